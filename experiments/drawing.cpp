#include "experiments/drawing.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "core/error.hpp"
#include "core/io/file.hpp"
#include "experiments/invocation.hpp"
#include "experiments/progress.hpp"

namespace strata {

namespace fs = std::filesystem;

namespace {

constexpr const char* debian_python = "/usr/bin/python3";
constexpr const char* scratch_name = "drawing.partial";

/// Why there are no pictures, as the end of a sentence.
struct Undrawn {
  std::string why;
  bool no_interpreter = false;  ///< then another one is to draw later
};

struct Interpreter {
  std::string program;
  bool chosen;  ///< by the user
};

Interpreter interpreter() {
  const char* chosen = std::getenv("STRATA_PYTHON");
  if (chosen != nullptr && *chosen != '\0') return {chosen, true};
  return {::access(debian_python, X_OK) == 0 ? debian_python : "python3", false};
}

/// The folder that holds strata_plots: share/strata/python (installed, and linked in a build tree) or analysis/python (source tree), in the
/// executable's folder or above it. A moved installation finds its own.
std::optional<fs::path> package_folder() {
  std::error_code error;
  for (fs::path at = fs::read_symlink("/proc/self/exe", error).parent_path(); !error; at = at.parent_path()) {
    for (const char* place : {"share/strata/python", "analysis/python"}) {
      std::error_code unreadable;
      if (fs::exists(at / place / "strata_plots" / "__main__.py", unreadable)) return at / place;
    }
    if (at == at.parent_path()) break;
  }
  return std::nullopt;
}

std::string command_for(const std::string& program, const std::string& package, const std::string& dir) {
  return "PYTHONPATH=" + shell_word(package) + " " + shell_word(program) + " -m strata_plots " + shell_word(dir);
}

/// The environment of this process with what lets the child find the package and nothing of the current folder.
std::vector<std::string> child_environment(const Interpreter& python, const std::string& package) {
  std::vector<std::string> ours{"PYTHONPATH=" + package, "PYTHONDONTWRITEBYTECODE=1", "PYTHONSAFEPATH=1", "PYTHONUTF8=1", "MPLBACKEND=Agg"};
  // A home of another Python, or a person's own newer numpy, breaks Debian's packages; who names an interpreter means it as it is.
  if (!python.chosen) ours.insert(ours.end(), {"PYTHONNOUSERSITE=1", "PYTHONHOME="});
  std::vector<std::string> all = ours;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string given = *entry, name = given.substr(0, given.find('=') + 1);
    bool replaced = false;
    for (const std::string& own : ours) replaced = replaced || own.rfind(name, 0) == 0;
    if (!replaced) all.push_back(given);
  }
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> found;
  found.reserve(words.size() + 1);
  for (std::string& word : words) found.push_back(word.data());
  found.push_back(nullptr);
  return found;
}

/// Starts the child with its output in `log`, in a process group of its own: Ctrl-C reaches this process, which then ends the child and tidies up.
pid_t start(const Interpreter& python, const std::string& package, const std::string& from, const std::string& to, const std::string& log) {
  std::vector<std::string> arguments{python.program, "-m", "strata_plots", from, "--out", to, "--quiet"};
  std::vector<std::string> environment = child_environment(python, package);
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(), O_WRONLY | O_APPEND, 0);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  sigset_t none;  // this process blocks the signals that end the child (watch_for_interrupt)
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t child = 0;
  const int error =
      posix_spawnp(&child, python.program.c_str(), &files, &attributes, pointers(arguments).data(), pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0)
    throw Undrawn{python.program + (python.chosen ? " (STRATA_PYTHON)" : "") + " cannot be run: " + std::strerror(error) +
                      (python.chosen ? "" : " (apt-get install python3-h5py python3-matplotlib, or name an interpreter by STRATA_PYTHON)"),
                  true};
  return child;
}

void end(pid_t child) {
  for (const int signal : {SIGTERM, SIGKILL}) {
    ::kill(-child, signal);
    for (int wait = 0; wait < 100; ++wait) {
      if (::waitpid(child, nullptr, WNOHANG) != 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

/// The child's exit status as waitpid gives it, or nothing where the user did not want to wait for it.
std::optional<int> wait_for(pid_t child) {
  int status = 0;
  while (true) {
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child || (ended < 0 && errno != EINTR)) return status;
    if (interrupted()) {
      end(child);
      return std::nullopt;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

/// The last line that stands in `log` behind its first `begin` bytes, without the package's own name.
std::string last_line(const std::string& log, std::size_t begin) {
  std::string text = read_file(log);
  text.erase(0, begin);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const std::size_t line = text.rfind('\n');
  if (line != std::string::npos) text.erase(0, line + 1);
  const std::string own = "strata_plots: ";
  return text.rfind(own, 0) == 0 ? text.substr(own.size()) : text;
}

/// Puts what was drawn in its place.
void take_over(const fs::path& scratch, const fs::path& folder) {
  fs::remove_all(folder / "figures");
  if (fs::exists(scratch / "figures")) fs::rename(scratch / "figures", folder / "figures");  // a report may be of tables alone
  fs::rename(scratch / "report.html", folder / "report.html");
}

Drawn draw(const Interpreter& python, const std::string& package, const fs::path& folder, const fs::path& scratch) {
  const std::string log = (folder / "log.txt").string();
  const std::size_t said = fs::file_size(log);
  fs::remove_all(scratch);
  fs::create_directory(scratch);
  const auto status = wait_for(start(python, package, folder.string(), scratch.string(), log));
  if (!status) return Drawn::stopped;
  const bool whole = fs::exists(scratch / "report.html");
  if (*status == 0 && whole) {
    take_over(scratch, folder);
    return Drawn::all;
  }
  const std::string line = last_line(log, said);
  if (!line.empty()) throw Undrawn{line};
  throw Undrawn{python.program +
                (WIFSIGNALED(*status) ? " was ended by signal " + std::to_string(WTERMSIG(*status))
                                      : " ended with code " + std::to_string(WEXITSTATUS(*status))) +
                " and drew nothing"};
}

/// To standard error and, where the disk allows, to log.txt.
void say(ResultFolder& folder, bool quiet, const std::string& line) {
  if (!quiet) std::fprintf(stderr, "%s\n", line.c_str());
  folder.set_quiet(true);
  try {
    folder.log(line);
  } catch (const Error&) { return; }
}

}  // namespace

Drawn draw_figures(ResultFolder& folder, bool quiet) {
  const Interpreter python = interpreter();
  const auto package = package_folder();
  const fs::path scratch = folder.file(scratch_name);
  std::string program = python.program;
  Drawn drawn = Drawn::nothing;
  std::string why;
  try {
    if (!package) throw Undrawn{"the Python package strata_plots (share/strata/python) is not beside this strata"};
    say(folder, quiet, "drawing the figures");
    drawn = draw(python, package->string(), folder.working_dir(), scratch);
    if (drawn == Drawn::stopped) why = "stopped";
  } catch (const Undrawn& problem) {
    why = problem.why;
    if (problem.no_interpreter) program = debian_python;
  } catch (const std::exception& problem) { why = problem.what(); }
  std::error_code ignored;
  fs::remove_all(scratch, ignored);
  // Where the package is not found its place is the reader's to fill in.
  const std::string later = command_for(program, package ? package->string() : "analysis/python", folder.dir().string());
  if (drawn != Drawn::all) say(folder, quiet, "the figures were not drawn: " + why + "; draw them later with: " + later);
  return drawn;
}

}  // namespace strata
