#pragma once
// Progress on standard error: a bar with tokens per second and time left on a terminal, a line now and then elsewhere, nothing when quiet.
// And the request to stop: the first Ctrl-C asks, a second one ends the process at once.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace strata {

class Progress {
 public:
  /// `log` also receives the lines that a non-terminal would get (log.txt); may be empty.
  explicit Progress(bool quiet, std::function<void(const std::string&)> log = {});
  ~Progress();

  /// A sentence of its own: what begins now, what was found.
  void say(const std::string& line);
  void begin(const std::string& what, std::int64_t total_tokens, std::int64_t done = 0);
  /// Cheap; draws a few times per second. `note` is shown behind the bar ("5.31 nats/token").
  void update(std::int64_t done, const std::function<std::string()>& note = {});
  void end();
  std::int64_t tokens() const { return tokens_; }  ///< read in all phases that have ended
  double seconds() const { return seconds_; }      ///< that those phases took

 private:
  void draw(const std::string& note, bool last);
  using Clock = std::chrono::steady_clock;
  bool quiet_, terminal_, drawn_ = false;
  std::function<void(const std::string&)> log_;
  std::string what_;
  std::int64_t total_ = 0, first_ = 0, done_ = 0, tokens_ = 0;
  double seconds_ = 0;
  Clock::time_point begun_, last_;
};

/// Takes SIGINT and SIGTERM from here on: interrupted() is true once one arrived. To be called before other threads start, which inherit
/// that they do not see the two; so do child processes, unless they are started with a signal mask of their own.
void watch_for_interrupt();
bool interrupted();

}  // namespace strata
