#include "experiments/invocation.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "core/error.hpp"
#include "core/io/file.hpp"

namespace strata {

namespace fs = std::filesystem;

namespace {

constexpr double largest_seed = 9007199254740992.0;  // 2^53: exact as a number of JSON

/// The options that decide what a run computes; with --resume they come from the run.
const std::vector<std::string> deciding{"world", "text", "held-out", "foreign", "model", "out",  "config",
                                        "set",   "seed", "seeds",    "device",  "isa",   "quick"};

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

std::vector<std::string> parted(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin) lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::string command_words(const Options& o) { return o.command == "run" ? "run " + o.experiment : o.command; }

/// The result folder's own name, without ".partial" and final slashes.
fs::path result_name(const std::string& dir) {
  std::string text = fs::path(dir).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  const std::string ending = ".partial";
  if (text.size() > ending.size() && text.ends_with(ending)) text.resize(text.size() - ending.size());
  return text;
}

std::string request_file(const std::string& dir) {
  const fs::path name = result_name(dir), partial = name.string() + ".partial";
  std::string path = (partial / request_name).string();
  if (fs::exists(path)) return path;
  if (fs::exists(partial))
    throw FileError(partial.string(), "", "was stopped before any learning; give the same command again, without --resume");
  if (fs::exists(name / "summary.json")) throw FileError(name.string(), "", "this run is complete; there is nothing to resume");
  throw FileError(name.string(), "", "holds no interrupted run to resume; give the folder that the interrupted run named");
}

}  // namespace

std::string shell_word(const std::string& word) {
  const char* plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./,:@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

ParameterTable run_parameters() {
  const auto word = [](const char* name, const char* fallback, const char* help) {
    return Parameter{name, std::string(fallback), 0, 0, {}, "", help, ""};
  };
  return {
      {"seed", std::int64_t{1}, 0, largest_seed, {}, "1", "seed of everything random (--seed)", ""},
      word("world", "text", "source of observations (--world)"),
      word("text", "", "texts to learn from, one path a line (--text)"),
      word("held_out", "", "texts to score on (--held-out)"),
      word("foreign", "", "texts that foreign passages are taken from (--foreign)"),
      word("model", "", "trained model that an experiment uses (--model)"),
      word("device", "cpu", "what computes (--device)"),
      word("isa", "auto", "instruction set of the cpu device (--isa)"),
      {"checked", std::string("cpu"), 0, 0, {"cpu", "cuda"}, "", "what --device check compares with the reference", ""},
      {"products",
       std::string("float"),
       0,
       0,
       {"float", "tf32", "bfloat16", "auto"},
       "",
       "numbers that the products of the softmax over words multiply (cpu: float, bfloat16; cuda: also tf32); bfloat16 is faster and rounds: nats are "
       "right to about .005; auto: bfloat16 where the processor has it",
       ""},
      {"figures", true, 0, 1, {}, "", "draw figures/*.png and report.html when the run is complete", ""},
  };
}

void read_configuration(Options& o) {
  if (!o.config_file.empty()) {
    o.config_text = read_file(o.config_file);
    o.configuration.read_ini_text(o.config_text, o.config_file);
  }
  for (const std::string& assignment : o.sets) o.configuration.set_assignment(assignment);
}

void settle_run_keys(Options& o) {
  Configuration& c = o.configuration;
  const auto typed = [&](const char* option, const char* key, const std::string& value) {
    if (o.given.count(option) != 0) c.set(std::string("run.") + key, value);
  };
  typed("seed", "seed", std::to_string(o.seed));
  typed("world", "world", o.world);
  typed("text", "text", joined(o.text));
  typed("held-out", "held_out", joined(o.held_out));
  typed("foreign", "foreign", joined(o.foreign));
  typed("device", "device", o.device.name);
  typed("isa", "isa", o.device.isa);
  if (o.command == "train") c.set("run.model", "");  // training makes a model and uses none
  typed("model", "model", o.model);
  const Values values = c.resolve(run_parameters(), "run.");
  o.seed = static_cast<std::uint64_t>(values.integer("seed"));
  o.world = values.text("world");
  o.text = parted(values.text("text"));
  o.held_out = parted(values.text("held_out"));
  o.foreign = parted(values.text("foreign"));
  o.model = values.text("model");
  o.device.name = values.text("device");
  o.device.isa = values.text("isa");
  o.device.products = values.text("products");
  o.device.checked = values.text("checked");
  o.figures = values.flag("figures");
}

Summary remembered(const Options& o) {
  Summary s;
  s.set("command", o.command).set("experiment", o.experiment).set("folder", fs::current_path().string());
  s.set("world", o.world).set("text", o.text).set("held_out", o.held_out).set("foreign", o.foreign);
  s.set("model", o.model).set("model_out", o.model_out).set("config", o.config_text).set("sets", o.sets);
  s.set("seed", static_cast<std::int64_t>(o.seed)).set("seeds", o.seeds).set("quick", o.quick);
  s.set("device", o.device.name).set("isa", o.device.isa);
  return s;
}

Options recalled(const std::string& dir, const Options& now) {
  const std::string path = request_file(dir);
  for (const std::string& option : deciding)
    if (now.given.count(option) != 0)
      throw ConfigError("--" + option, "",
                        "--resume takes it from the interrupted run; only --threads, --json and --quiet go with --resume");
  const Summary s = Summary::from_json(read_file(path), path);
  const auto text = [&](const char* key) { return s.text(key).value_or(""); };
  const fs::path folder = text("folder"), here = fs::current_path();
  const auto place = [&](const std::string& p) { return p.empty() || folder.empty() || folder == here ? p : (folder / p).string(); };
  const auto places = [&](const char* key) {
    std::vector<std::string> paths = s.texts(key);
    for (std::string& p : paths) p = place(p);
    return paths;
  };
  Options o = now;
  o.command = text("command");
  o.experiment = text("experiment");
  const bool same = now.command == o.command && (now.experiment.empty() || now.experiment == o.experiment);
  if (!same) throw ConfigError("--resume", dir, "was begun as: strata " + command_words(o) + "; " + how_to_go_on(o, dir));
  o.world = text("world");
  o.text = places("text");
  o.held_out = places("held_out");
  o.foreign = places("foreign");
  o.model = place(text("model"));
  o.model_out = place(text("model_out"));
  o.config_text = text("config");
  o.sets = s.texts("sets");
  o.seed = static_cast<std::uint64_t>(s.number("seed").value_or(1));
  o.seeds = static_cast<int>(s.number("seeds").value_or(1));
  o.quick = s.number("quick").value_or(0) != 0;
  o.device.name = text("device");
  o.device.isa = text("isa");
  o.configuration = Configuration();
  o.configuration.read_ini_text(o.config_text, path);
  for (const std::string& assignment : o.sets) o.configuration.set_assignment(assignment);
  o.given = {"seed", "world", "text", "held-out", "foreign", "device", "isa"};
  if (o.command != "train") o.given.insert("model");
  return o;
}

std::string how_to_go_on(const Options& o, const std::string& dir) {
  return "go on with: " + shell_word(program_invocation_name) + " " + command_words(o) + " --resume " + shell_word(dir);
}

std::string config_heading(const Options& o) {
  return "# strata " + command_words(o) + " --config THIS_FILE repeats this run: the same strata on the same texts gives the same bits.\n";
}

}  // namespace strata
