#include "experiments/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

namespace strata {

namespace {

std::atomic<bool> stop_requested{false};

/// The first signal asks, the second ends the process.
void wait_for_signals(sigset_t asking) {
  while (true) {
    int signal = 0;
    if (sigwait(&asking, &signal) != 0 || !stop_requested.exchange(true)) continue;
    static const char said[] = "\nstrata: stopped at once; --resume goes on after the last checkpoint\n";
    if (write(STDERR_FILENO, said, sizeof said - 1) < 0) _exit(128 + signal);  // nothing can be done about it here
    _exit(128 + signal);
  }
}

std::string clock_text(double seconds) {
  const auto s = static_cast<long>(std::max(0.0, seconds));
  char text[32];
  if (s >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", s / 60, s % 60);
  return text;
}

std::string rate_text(double tokens_per_second) {
  char text[48];
  if (tokens_per_second >= 1000)
    std::snprintf(text, sizeof text, "%.1fk tokens/s", tokens_per_second / 1000);
  else
    std::snprintf(text, sizeof text, "%.0f tokens/s", tokens_per_second);
  return text;
}

/// Columns of the terminal: a line that is longer would wrap, and then no longer be overwritten by the next.
std::size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

void watch_for_interrupt() {
  // No handler: it would run on whatever thread the signal finds, on that thread's stack, and the matrix products of oneDNN (2.6 to 3.11) let the
  // stack pointer point into a work space on the heap, below which the handler's frame then overwrites what lies there (uxlfoundation/oneDNN
  // issue 4845). So every thread blocks the two signals, inheriting that from this one, and one thread waits for them.
  sigset_t asking;
  sigemptyset(&asking);
  for (const int signal : {SIGINT, SIGTERM}) {
    std::signal(signal, SIG_DFL);  // one that is ignored, as in a script's background jobs, need not arrive
    sigaddset(&asking, signal);
  }
  pthread_sigmask(SIG_BLOCK, &asking, nullptr);
  std::thread(wait_for_signals, asking).detach();
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is reported as an error of the write
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() { return stop_requested; }

Progress::Progress(bool quiet, std::function<void(const std::string&)> log)
    : quiet_(quiet), terminal_(isatty(STDERR_FILENO) != 0), log_(std::move(log)) {}

Progress::~Progress() {
  if (drawn_) std::fputc('\n', stderr);
}

void Progress::say(const std::string& line) {
  if (log_) log_(line);
  if (quiet_) return;
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
  std::fprintf(stderr, "%s\n", line.c_str());
}

void Progress::begin(const std::string& what, std::int64_t total_tokens, std::int64_t done) {
  what_ = what;
  total_ = total_tokens;
  first_ = done_ = done;
  begun_ = last_ = Clock::now();
}

void Progress::update(std::int64_t done, const std::function<std::string()>& note) {
  done_ = done;
  const auto now = Clock::now();
  const double every = terminal_ ? .25 : 15;
  if (std::chrono::duration<double>(now - last_).count() < every) return;
  last_ = now;
  draw(note ? note() : std::string(), false);
}

void Progress::end() {
  tokens_ += done_ - first_;
  seconds_ += std::chrono::duration<double>(Clock::now() - begun_).count();
  draw({}, true);
}

void Progress::draw(const std::string& note, bool last) {
  const double seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_ - first_) / seconds : 0;
  const double part = total_ > 0 ? std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_)) : 0;
  char percent[16];
  std::snprintf(percent, sizeof percent, "%3.0f %%  ", 100 * part);
  const std::string left = rate > 0 ? clock_text(static_cast<double>(total_ - done_) / rate) : "-:--";
  const std::string numbers =
      percent + rate_text(rate) + (last ? "  took " + clock_text(seconds) : "  left " + left) + (note.empty() ? "" : "  " + note);
  const std::string line = what_ + "  " + numbers;
  if (log_ && (last || !terminal_)) log_(line);
  if (quiet_) return;
  if (!terminal_) {
    std::fprintf(stderr, "%s\n", line.c_str());
    return;
  }
  const int width = 16, full = static_cast<int>(part * width);
  std::string bar(static_cast<std::size_t>(full), '#');
  bar.resize(static_cast<std::size_t>(width), '.');
  const std::string shown = what_ + " [" + bar + "] " + numbers;
  std::fprintf(stderr, "\r\033[K%s", shown.substr(0, terminal_columns() - 1).c_str());
  drawn_ = true;
  if (last) {
    std::fputc('\n', stderr);
    drawn_ = false;
  }
  std::fflush(stderr);
}

}  // namespace strata
