#include "experiments/worlds/text/corpus.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numeric>
#include <set>
#include <sstream>
#include <system_error>

#include "core/error.hpp"

namespace strata::text {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::size_t longest_title = 120;
constexpr const char* standard_input = "standard input";

enum class LineKind { text, blank, form_feed };

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v'; }

LineKind kind_of(std::string_view line) {
  std::int64_t form_feeds = 0;
  for (const char c : line) {
    if (c == '\f') {
      ++form_feeds;
    } else if (!is_blank(c)) {
      return LineKind::text;
    }
  }
  return form_feeds > 0 ? LineKind::form_feed : LineKind::blank;
}

std::string read_file(const std::string& path) {
  std::error_code failure;
  if (!fs::exists(path, failure))
    throw FileError(path, "", "there is no such file or folder; give --text a UTF-8 text or a folder of .txt");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw FileError(path, "", "cannot be opened for reading");
  std::ostringstream content;
  content << in.rdbuf();
  if (in.bad() || (content.fail() && !in.eof())) {
    if (fs::file_size(path, failure) != 0) throw FileError(path, "", "cannot be read");
  }
  return std::move(content).str();
}

std::vector<std::string> files_of(const std::string& path) {
  std::error_code failure;
  if (!fs::is_directory(path, failure)) return {path};
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(path, failure)) {
    if (entry.is_regular_file() && entry.path().extension() == ".txt") files.push_back(entry.path().string());
  }
  if (failure) throw FileError(path, "", "folder cannot be read: " + failure.message());
  if (files.empty()) throw DataError(path, 0, "this folder holds no .txt file; put UTF-8 texts named *.txt into it");
  std::sort(files.begin(), files.end());
  return files;
}

std::string work_name(const std::string& path) {
  const std::string file = fs::path(path).filename().string();
  return file.substr(0, std::max<std::size_t>(1, file.find('.', 1)));
}

void check_source(const Source& source) {
  if (source.bytes.empty()) throw DataError(source.path, 0, "the file is empty; expected UTF-8 text");
  const std::int64_t invalid = first_invalid_utf8(source.bytes);
  if (invalid < 0) return;
  const auto line = 1 + std::count(source.bytes.begin(), source.bytes.begin() + invalid, '\n');
  std::ostringstream reason;
  reason << "byte " << invalid << " (0x" << std::hex
         << static_cast<unsigned>(static_cast<unsigned char>(source.bytes[static_cast<std::size_t>(invalid)]))
         << ") is not UTF-8; convert the file, for instance with iconv -t UTF-8";
  throw DataError(source.path, line, reason.str());
}

std::string title_of(std::string_view paragraph) {
  std::string_view line = paragraph.substr(0, paragraph.find('\n'));
  const auto first = line.find_first_not_of(" \t\r\v\f");
  line.remove_prefix(std::min(first, line.size()));
  const auto last = line.find_last_not_of(" \t\r\v\f");
  line = line.substr(0, last == std::string_view::npos ? 0 : last + 1);
  if (line.size() <= longest_title) return std::string(line);
  std::size_t cut = longest_title;
  while ((static_cast<unsigned char>(line[cut]) & 0xC0U) == 0x80U) --cut;
  return std::string(line.substr(0, cut));
}

/// Cuts one source into documents and paragraphs, line by line.
class Cutter {
 public:
  Cutter(const Source& source, std::int32_t index, std::vector<Document>& out) : source_(source), index_(index), out_(out) {}

  void cut() {
    const std::string_view bytes = source_.bytes;
    std::size_t begin = bytes.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
    while (begin < bytes.size()) {
      const std::size_t newline = bytes.find('\n', begin);
      const std::size_t stop = std::min(newline, bytes.size());
      line(bytes.substr(begin, stop - begin), static_cast<std::int64_t>(begin));
      begin = newline == std::string_view::npos ? bytes.size() : newline + 1;
    }
    if (document_.paragraphs.empty()) throw DataError(source_.path, 0, "the file holds nothing but white space; expected UTF-8 text");
    finish(static_cast<std::int64_t>(bytes.size()));
  }

 private:
  void line(std::string_view text, std::int64_t begin) {
    const LineKind kind = kind_of(text);
    if (kind == LineKind::text) {
      if (form_feed_) finish(begin);
      const bool carriage_return =
          text.back() == '\r' && begin + static_cast<std::int64_t>(text.size()) < static_cast<std::int64_t>(source_.bytes.size());
      const std::int64_t end = begin + static_cast<std::int64_t>(text.size()) - (carriage_return ? 1 : 0);
      if (gap_ || document_.paragraphs.empty()) {
        document_.paragraphs.push_back({begin, end});
      } else {
        document_.paragraphs.back().end = end;
      }
      gap_ = false;
      return;
    }
    gap_ = true;
    // Before the first paragraph there is no document to end: form feeds there are part of the blank lead.
    if (kind == LineKind::form_feed && !document_.paragraphs.empty()) form_feed_ = true;
  }

  void finish(std::int64_t end) {
    document_.source = index_;
    document_.index = static_cast<std::int32_t>(out_.size());
    document_.range = {begin_, end};
    const Span& first = document_.paragraphs.front();
    document_.title =
        title_of(std::string_view(source_.bytes).substr(static_cast<std::size_t>(first.begin), static_cast<std::size_t>(first.size())));
    out_.push_back(std::move(document_));
    document_ = Document();
    begin_ = end;
    gap_ = form_feed_ = false;
  }

  const Source& source_;
  std::int32_t index_;
  std::vector<Document>& out_;
  Document document_;
  std::int64_t begin_ = 0;
  bool gap_ = false, form_feed_ = false;
};

Corpus build(std::vector<Source> sources, const CorpusOptions& options) {
  Corpus corpus;
  corpus.sources = std::move(sources);
  std::string sample;  // a little of every source decides the language of all
  for (std::size_t s = 0; s < corpus.sources.size(); ++s) {
    Source& source = corpus.sources[s];
    check_source(source);
    source.line_sentences = options.sentences == "lines" || (options.sentences == "auto" && source.path.ends_with(".sents.txt"));
    Cutter(source, static_cast<std::int32_t>(s), corpus.documents).cut();
    sample += source.bytes.substr(0, std::max<std::size_t>(std::size_t{4} << 10, (std::size_t{1} << 20) / corpus.sources.size()));
  }
  corpus.language = options.language == "auto" ? dominant_language(sample) : options.language;
  SentenceSplitter splitter(corpus.language);
  for (Document& document : corpus.documents) {
    const bool lines = corpus.sources[static_cast<std::size_t>(document.source)].line_sentences;
    for (const Span& paragraph : document.paragraphs) {
      const auto text = corpus.bytes(document, paragraph);
      if (lines) {
        split_lines(text, paragraph.begin, document.sentences);
      } else {
        splitter.split(text, paragraph.begin, document.sentences);
      }
    }
  }
  return corpus;
}

/// Where a document may be cut in two: from the end of what stays to the beginning of what follows.
std::vector<Span> gaps_of(const Corpus& corpus, const Document& document) {
  std::vector<Span> gaps;
  for (std::size_t p = 1; p < document.paragraphs.size(); ++p)
    gaps.push_back({document.paragraphs[p - 1].end, document.paragraphs[p].begin});
  if (!gaps.empty()) return gaps;
  for (std::size_t s = 1; s < document.sentences.size(); ++s) {
    const Span between{document.sentences[s - 1].end, document.sentences[s].begin};
    const auto line_end = corpus.bytes(document, between).rfind('\n');
    if (line_end != std::string_view::npos) gaps.push_back({between.begin, between.begin + static_cast<std::int64_t>(line_end) + 1});
  }
  return gaps;
}

/// Makes two documents of the only one.
void cut_document(Corpus& corpus, const Span& gap) {
  Document& whole = corpus.documents.front();
  Document first, second;
  first.range = {whole.range.begin, gap.end};
  second.range = {gap.end, whole.range.end};
  second.index = 1;
  second.source = whole.source;
  first.title = whole.title;
  for (const Span& paragraph : whole.paragraphs) {  // the gap may lie in one
    if (paragraph.begin < gap.begin) first.paragraphs.push_back({paragraph.begin, std::min(paragraph.end, gap.begin)});
    if (paragraph.end > gap.end) second.paragraphs.push_back({std::max(paragraph.begin, gap.end), paragraph.end});
  }
  for (const Span& sentence : whole.sentences) (sentence.end <= gap.begin ? first : second).sentences.push_back(sentence);
  second.title = title_of(corpus.bytes(second, second.paragraphs.front()));
  corpus.documents = {std::move(first), std::move(second)};
}

}  // namespace

std::string_view Corpus::bytes(const Document& document, const Span& span) const {
  const std::string_view all = sources[static_cast<std::size_t>(document.source)].bytes;
  return all.substr(static_cast<std::size_t>(span.begin), static_cast<std::size_t>(span.size()));
}

std::int64_t Corpus::size() const {
  return std::accumulate(sources.begin(), sources.end(), std::int64_t{0},
                         [](std::int64_t sum, const Source& source) { return sum + static_cast<std::int64_t>(source.bytes.size()); });
}

Corpus read_corpus(const std::vector<std::string>& paths, const CorpusOptions& options) {
  if (paths.empty()) throw ConfigError("--text", "", "no text was given; give a UTF-8 file or a folder of .txt");
  std::vector<Source> sources;
  std::set<std::string> seen;
  for (const std::string& path : paths) {
    for (const std::string& file : files_of(path)) {
      std::error_code failure;
      if (!seen.insert(fs::weakly_canonical(file, failure).string()).second) continue;
      sources.push_back({file, work_name(file), read_file(file), false});
    }
  }
  return build(std::move(sources), options);
}

Corpus corpus_from_bytes(const std::string& name, std::string bytes, const CorpusOptions& options) {
  std::vector<Source> sources;
  sources.push_back({name, work_name(name), std::move(bytes), false});
  return build(std::move(sources), options);
}

Corpus corpus_from_standard_input(const CorpusOptions& options) {
  std::ostringstream content;
  content << std::cin.rdbuf();
  return corpus_from_bytes(standard_input, std::move(content).str(), options);
}

HoldOut hold_out_tenth(const Corpus& corpus) {
  const auto count = static_cast<std::int32_t>(corpus.documents.size());
  if (count < 2) {
    throw DataError(
        corpus.sources.front().path, 0,
        "one document: no tenth one can be held out; hold out its end with --set text.hold_out=last, part it by lines that hold only a "
        "form feed, give more files, or give --held-out PATH");
  }
  HoldOut split;
  for (std::int32_t i = 0; i < count; ++i) {
    const bool held_out = count < 10 ? i == count - 1 : i % 10 == 9;
    (held_out ? split.held_out : split.training).push_back(i);
  }
  return split;
}

HoldOut hold_out_last(Corpus& corpus) {
  if (corpus.documents.size() == 1) {
    const std::vector<Span> gaps = gaps_of(corpus, corpus.documents[0]);
    if (gaps.empty()) {
      const Source& source = corpus.sources.front();
      throw DataError(source.path, 0,
                      source.line_sentences
                          ? "one document of one line: nothing can be held out; part it into lines, or give --held-out PATH"
                          : "one document of one paragraph, in which no line ends a sentence: nothing can be held out; part it by blank "
                            "lines, read lines as sentences (--set text.sentences=lines), or give --held-out PATH");
    }
    const Span range = corpus.documents[0].range;
    const std::int64_t aim = range.begin + range.size() / 10 * 9;
    cut_document(corpus, *std::min_element(gaps.begin(), gaps.end(),
                                           [&](const Span& a, const Span& b) { return std::abs(a.end - aim) < std::abs(b.end - aim); }));
  }
  const auto distance = [tenth = corpus.size() / 10](std::int64_t bytes) { return std::abs(bytes - tenth); };
  const auto size = [&](std::size_t d) { return corpus.documents[d].range.size(); };
  std::size_t first = corpus.documents.size() - 1;
  std::int64_t held_out = size(first);
  for (; first > 1 && distance(held_out + size(first - 1)) < distance(held_out); --first) held_out += size(first - 1);
  HoldOut split;
  for (std::size_t d = 0; d < corpus.documents.size(); ++d)
    (d < first ? split.training : split.held_out).push_back(static_cast<std::int32_t>(d));
  return split;
}

std::vector<std::int32_t> all_documents(const Corpus& corpus) {
  std::vector<std::int32_t> all(corpus.documents.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::int64_t first_invalid_utf8(std::string_view bytes) {
  const std::size_t size = bytes.size();
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[i])); };
  for (std::size_t i = 0; i < size;) {
    const unsigned lead = byte(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
    if (length == 0 || i + length > size) return static_cast<std::int64_t>(i);
    // The second byte also excludes overlong forms, surrogates and what lies above U+10FFFF.
    const unsigned lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (byte(i + 1) < lowest || byte(i + 1) > highest) return static_cast<std::int64_t>(i);
    for (std::size_t k = 2; k < length; ++k) {
      if ((byte(i + k) & 0xC0U) != 0x80U) return static_cast<std::int64_t>(i);
    }
    i += length;
  }
  return -1;
}

}  // namespace strata::text
