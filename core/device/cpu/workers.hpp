#pragma once
// The threads of the cpu device. Work is cut into pieces by its size alone; which thread takes which piece changes no bit,
// because every output element belongs to one piece and a piece computes it in a fixed order.

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <tbb/task_scheduler_observer.h>

#include <algorithm>
#include <atomic>

#include "core/observation.hpp"

namespace strata {

/// Tells oneDNN's OpenMP runtime, which counts threads per calling thread, to start none from this one.
void keep_openmp_single();

class Workers {
 public:
  explicit Workers(int threads);  ///< 0: all hardware threads
  int count() const { return threads_; }

  /// f(piece) for every piece in [0, pieces).
  template <class F>
  void for_pieces(Index pieces, const F& f) {
    if (pieces <= 1 || threads_ == 1) {
      for (Index piece = 0; piece < pieces; ++piece) f(piece);
    } else {
      // TBB orders the pieces after what came before and before what follows; the two atomics say so once more, in a way that the
      // thread sanitizer sees although TBB is not instrumented. They cost nothing beside a piece.
      handed_out_.store(pieces, std::memory_order_release);
      const auto piece = [&](Index index) {
        static_cast<void>(handed_out_.load(std::memory_order_acquire));
        f(index);
        finished_.fetch_add(1, std::memory_order_release);
      };
      arena_.execute([&] { tbb::parallel_for(Index(0), pieces, piece, tbb::simple_partitioner()); });
      static_cast<void>(finished_.load(std::memory_order_acquire));
    }
  }

  /// The same as f(piece, worker): `worker`, below count(), is a number that no other thread has at that time.
  template <class F>
  void for_pieces_by(Index pieces, const F& f) {
    const bool alone = pieces <= 1 || threads_ == 1;
    for_pieces(pieces, [&](Index piece) {
      f(piece, alone ? std::size_t(0) : static_cast<std::size_t>(tbb::this_task_arena::current_thread_index()));
    });
  }

  /// f(first, count) over [0, items) in pieces of about `piece_work` nanoseconds, given the rough cost of an item on one thread.
  /// f must treat every item on its own: one thread takes all of them in one call.
  template <class F>
  void for_items(Index items, double item_work, const F& f) {
    const Index grain = std::max(Index(1), static_cast<Index>(piece_work / item_work));
    if (items <= grain || threads_ == 1) {
      if (items > 0) f(Index(0), items);
      return;
    }
    for_pieces((items + grain - 1) / grain, [&](Index piece) { f(piece * grain, std::min(grain, items - piece * grain)); });
  }

  static constexpr double piece_work = 20'000;  ///< nanoseconds; well above the cost of waking a thread

 private:
  /// Threads that join the arena get their OpenMP count set before their first task.
  class Observer : public tbb::task_scheduler_observer {
   public:
    explicit Observer(tbb::task_arena& arena) : tbb::task_scheduler_observer(arena) { observe(true); }
    ~Observer() override { observe(false); }
    void on_scheduler_entry(bool) override { keep_openmp_single(); }
  };

  int threads_;
  std::atomic<Index> handed_out_{0}, finished_{0};
  tbb::global_control control_;
  tbb::task_arena arena_;
  Observer observer_;
};

}  // namespace strata
