// What is told of a broad prediction: its score, what a word costs under it, and what a model and a checkpoint keep. See levels/broad.hpp.

#include <algorithm>
#include <cmath>
#include <map>

#include "levels/broad.hpp"

namespace strata {

template <class T>
void Broad<T>::score_block(std::span<const Window> block) {
  const auto count = static_cast<Index>(block.size());
  std::vector<T> loss(block.size()), entropy(block.size()), divergence(block.size());
  View<T> h = entropy_.rows_at(0, count), kl = divergence_.rows_at(0, count);
  device_.softmax_summary(logits_.cols_at(0, count), lexicon_.background(), normaliser_.rows_at(0, count), h, kl);
  device_.download(loss_.rows_at(0, count), loss);
  device_.download(h, entropy);
  device_.download(kl, divergence);
  score_.decaying_nats.resize(decaying_weights().size());
  std::vector<double> total(block.size());
  std::vector<std::map<std::int32_t, double>> recent(block.size());
  for (std::size_t i = 0; i < block.size(); ++i)
    for (const auto& e : counts_[static_cast<std::size_t>(block[i].column)]) {
      recent[i][e.row] = e.value;
      total[i] += e.value;
    }
  for (std::size_t i = 0; i < block.size(); ++i) {
    const double words = block[i].length();
    score_.predictions += 1;
    score_.words += words;
    score_.nats += words * static_cast<double>(loss[i]);
    score_.entropy += words * static_cast<double>(entropy[i]);
    score_.divergence += words * static_cast<double>(divergence[i]);
  }
  for (const auto& t : targets_) {
    const auto i = static_cast<std::size_t>(t.col);
    const double q = static_cast<double>(t.value) * block[i].length(), u = std::exp(lexicon_.log_unigram(t.row));
    score_.unigram_nats -= q * std::log(u);
    const auto found = recent[i].find(t.row);
    const double share = found != recent[i].end() ? found->second / total[i] : 0;
    for (std::size_t k = 0; k < decaying_weights().size(); ++k) {
      const double w = total[i] > 0 ? decaying_weights()[k] : 0;
      score_.decaying_nats[k] -= q * std::log((1 - w) * u + w * share);
    }
  }
}

template <class T>
void Broad<T>::surprise(std::span<const std::int32_t> ids, std::span<double> out) {
  asked_.clear();
  for (std::size_t j = 0; j < ids.size(); ++j) asked_.push_back({ids[j], static_cast<std::int32_t>(j), T(1)});
  host_.resize(ids.size());
  host_normaliser_.resize(ids.size());
  device_.read_entries(held_, asked_, host_);
  device_.download(held_normaliser_, host_normaliser_);
  for (std::size_t j = 0; j < ids.size(); ++j)
    out[j] = ready_[j] != 0 ? static_cast<double>(host_normaliser_[j]) - static_cast<double>(host_[j]) : -lexicon_.log_unigram(ids[j]);
}

template <class T>
void Broad<T>::archive_parameters(Archive& archive) {
  archive.value("broad_sharpness", scalars_.beta);
  archive.value("broad_windows", met_.windows);
  archive.value("broad_words", met_.words);
  if (settings_.from_above) archive.value("broad_trust", scalars_.alpha);
  if (settings_.cache == 0) return;
  archive.value("broad_cache", scalars_.gamma);
  archive.value("broad_cache_words", scalars_.log_kappa);
}

template <class T>
void Broad<T>::archive_state(Archive& archive) {
  Archive::Scope scope(archive, "broad");
  recency_.archive(archive);
  archive.value("operations", operations_);
  archive.value("position", position_);
  archive.value("since", since_);
  archive.value("ready", ready_);
  archive.value("ended", ended_);
  archive.value("opened", opened_);
  archive.value("free", free_);
  archive.value("made_free", made_free_);
  archive.tensor("pool_mu", pool_mu_);
  archive.tensor("pool_memory", pool_memory_);
  archive.tensor("pool_above", pool_above_);
  archive.tensor("pool_made", pool_made_);
  archive.tensor("held", held_);
  archive.tensor("held_normaliser", held_normaliser_);
  archive.tensor("raised", raised_);
  if (settings_.from_above) archive.tensor("pool_expected", pool_expected_);
  archive_history(archive);
  archive_windows(archive);
}

/// The rings of tokens read, one behind the other.
template <class T>
void Broad<T>::archive_history(Archive& archive) {
  std::vector<std::int32_t> history;
  for (const auto& ring : history_) history.insert(history.end(), ring.begin(), ring.end());
  archive.value("history", history);
  if (!archive.loading()) return;
  const std::size_t ring = history_.front().size();
  for (std::size_t j = 0; j < history_.size(); ++j)
    std::copy_n(history.begin() + static_cast<std::ptrdiff_t>(j * ring), ring, history_[j].begin());
}

/// Windows that are open, as lists of what each consists of.
template <class T>
void Broad<T>::archive_windows(Archive& archive) {
  std::vector<std::int32_t> windows, words;
  std::vector<std::int64_t> begins, sizes;
  std::vector<float> counts;
  std::vector<double> scalars;
  for (const Window& w : open_) {
    windows.insert(windows.end(), {w.stream, w.column, w.made, w.boundaries});
    scalars.insert(scalars.end(), {w.made_by.beta, w.made_by.gamma, w.made_by.log_kappa, w.made_by.alpha});
    begins.push_back(w.begin);
    const auto& seen = counts_[static_cast<std::size_t>(w.column)];
    sizes.push_back(static_cast<std::int64_t>(seen.size()));
    for (const auto& e : seen) {
      words.push_back(e.row);
      counts.push_back(e.value);
    }
  }
  archive.value("windows", windows);
  archive.value("window_scalars", scalars);
  archive.value("window_begin", begins);
  archive.value("window_sizes", sizes);
  archive.value("window_words", words);
  archive.value("window_counts", counts);
  if (!archive.loading()) return;
  closed_.clear();
  open_.assign(begins.size(), {});
  std::size_t next = 0;
  for (std::size_t i = 0; i < open_.size(); ++i) {
    Window& w = open_[i];
    w.stream = windows[4 * i];
    w.column = windows[4 * i + 1];
    w.made = windows[4 * i + 2];
    w.boundaries = windows[4 * i + 3];
    w.made_by = {scalars[4 * i], scalars[4 * i + 1], scalars[4 * i + 2], scalars[4 * i + 3]};
    w.begin = begins[i];
    auto& seen = counts_[static_cast<std::size_t>(w.column)];
    seen.clear();
    for (std::int64_t k = 0; k < sizes[i]; ++k, ++next) seen.push_back({words[next], 0, counts[next]});
  }
}

template class Broad<float>;
template class Broad<double>;

}  // namespace strata
