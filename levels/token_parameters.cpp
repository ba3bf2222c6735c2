#include "levels/token.hpp"

namespace strata {

namespace {

/// Of the level's value nodes, and of what it reads by.
ParameterTable network_parameters() {
  const TokenSettings d;
  return {
      {"units",
       std::int64_t{d.units},
       1,
       65536,
       {},
       "units",
       "size d of the word embedding and of the token level's value node",
       "model A"},
      {"hidden", std::int64_t{d.hidden}, 1, 65536, {}, "units", "size Ha of the hidden value node", "model A"},
      {"context", std::int64_t{d.context}, 1, 64, {}, "tokens", "words K0 of context the token level sees", "Mnih & Hinton 2007"},
      {"precision", d.precision, 1e-6, 1e9, {}, "1", "pi_0, precision of the token level's value node", "model A"},
      {"hidden_precision", d.hidden_precision, 1e-6, 1e9, {}, "1", "pi_a, precision of the hidden value node", "model A"},
      {"context_dropout",
       d.context_dropout,
       0,
       .95,
       {},
       "1",
       "part of the context features dropped while learning",
       "Srivastava et al. 2014"},
      {"dropout", d.dropout, 0, .95, {}, "1", "part of the level's activity dropped while learning", "Srivastava et al. 2014"},
      {"embeddings",
       std::string("tied"),
       0,
       0,
       {"tied", "separate"},
       "",
       "whether the words of the context are read by the vectors that words are predicted with",
       "Press & Wolf 2017"},
      {"flexibility",
       d.flexibility,
       0,
       1e6,
       {},
       "1",
       "weight of a term of the objective: alternatives are kept open, p is not to leave the unigram further than it must",
       "Pereyra et al. 2017"},
      {"share",
       d.share,
       0,
       1,
       {},
       "",
       "the level has hierarchy.units more, which are its own share of the output stream, as every level above has one",
       ""},
  };
}

/// Of what words just read, and n-grams, add to the logits.
ParameterTable feature_parameters() {
  const TokenSettings d;
  return {
      {"priming",
       d.priming,
       0,
       1,
       {},
       "",
       "recently read words are expected again (leaky counts of 40, 300, 2500 tokens)",
       "Kuhn & De Mori 1990"},
      {"ngrams",
       std::int64_t{d.ngrams.orders},
       0,
       16,
       {},
       "tokens",
       "longest context of the sparse n-gram features; 0: none",
       "Mikolov et al. 2011"},
      {"ngram_rate", d.ngrams.rate, 0, 10, {}, "1", "learning rate of each feature's own weight", "Duchi et al. 2011"},
      {"ngram_gain_rate", d.ngrams.gain_rate, 0, 10, {}, "1", "learning rate of the weights that features of like counts share", ""},
      {"ngram_limit", std::int64_t{d.ngrams.limit}, 1, 1e6, {}, "words", "words listed after a context at most", ""},
      {"recent_time",
       std::string("0"),
       0,
       0,
       {},
       "tokens",
       "time constants, such as 30, 300, of the features that expect recently read words again, by shared weights; 0: none",
       "Kuhn & De Mori 1990"},
      {"ngram_exclusive",
       d.ngrams.exclusive,
       0,
       1,
       {},
       "",
       "counts matter under the longest context only that lists the word",
       "Katz 1987"},
  };
}

}  // namespace

ParameterTable TokenSettings::parameters() {
  ParameterTable all = network_parameters();
  const ParameterTable features = feature_parameters();
  all.insert(all.end(), features.begin(), features.end());
  return all;
}

TokenSettings TokenSettings::from(const Values& v) {
  TokenSettings s;
  s.units = v.integer("units");
  s.hidden = v.integer("hidden");
  s.context = v.integer("context");
  s.precision = v.real("precision");
  s.hidden_precision = v.real("hidden_precision");
  s.context_dropout = v.real("context_dropout");
  s.dropout = v.real("dropout");
  s.separate_embeddings = v.text("embeddings") == "separate";
  s.flexibility = v.real("flexibility");
  s.share = v.flag("share");
  s.priming = v.flag("priming");
  s.ngrams.orders = v.integer("ngrams");
  s.ngrams.rate = v.real("ngram_rate");
  s.ngrams.gain_rate = v.real("ngram_gain_rate");
  s.ngrams.limit = v.integer("ngram_limit");
  s.ngrams.exclusive = v.flag("ngram_exclusive");
  for (const double tau : real_list("level.0.recent_time", v.text("recent_time"), 0, 1e6))
    if (tau > 0) s.ngrams.recency.push_back(tau);
  return s;
}

}  // namespace strata
