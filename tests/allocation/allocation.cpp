// Once a hierarchy has read for a while, a step asks the system for no memory.
//
// This binary counts every request (malloc and all that go through it), by the binary that made it. Counted are those of strata itself, of Eigen
// and of the standard library. Not counted are those of other shared libraries: oneDNN makes a small map of its arguments whenever a primitive
// runs, and TBB keeps its tasks in pools of its own. How many those are is printed.
// Under a sanitizer, which brings its own malloc, these cases skip.

#include <dlfcn.h>
#include <catch2/catch.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "core/objective/term.hpp"
#include "levels/dense_network.hpp"
#include "tests/support/categorical_rig.hpp"
#include "tests/support/tiny.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define STRATA_COUNTS 0
#else
#define STRATA_COUNTS 1
#endif

namespace {
std::atomic<bool> counting{false};
std::atomic<long> own{0}, foreign{0};
thread_local bool inside = false;  // dladdr may ask for memory too

void note(const void* caller) {
  if (!counting.load(std::memory_order_relaxed) || inside) return;
  inside = true;
  Dl_info from{}, here{};
  const bool ours =
      dladdr(caller, &from) != 0 && dladdr(reinterpret_cast<const void*>(&note), &here) != 0 && from.dli_fbase == here.dli_fbase;
  (ours ? own : foreign).fetch_add(1, std::memory_order_relaxed);
  inside = false;
}
}  // namespace

#if STRATA_COUNTS
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): what glibc itself allocates with
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
// NOLINTEND(bugprone-reserved-identifier)

void* malloc(std::size_t n) {
  note(__builtin_return_address(0));
  return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) {
  note(__builtin_return_address(0));
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) {
  note(__builtin_return_address(0));
  return __libc_realloc(p, n);
}
void* memalign(std::size_t alignment, std::size_t n) {
  note(__builtin_return_address(0));
  return __libc_memalign(alignment, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) {
  note(__builtin_return_address(0));
  return __libc_memalign(alignment, n);
}
int posix_memalign(void** to, std::size_t alignment, std::size_t n) {
  note(__builtin_return_address(0));
  *to = __libc_memalign(alignment, n);
  return *to == nullptr ? ENOMEM : 0;
}
}

// The library's operator new would hide its caller.
namespace {
void* take(std::size_t n, std::size_t alignment, const void* caller) {
  note(caller);
  void* p = alignment > alignof(std::max_align_t) ? __libc_memalign(alignment, n) : __libc_malloc(n);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
}  // namespace
void* operator new(std::size_t n) { return take(n, 0, __builtin_return_address(0)); }
void* operator new[](std::size_t n) { return take(n, 0, __builtin_return_address(0)); }
void* operator new(std::size_t n, std::align_val_t a) { return take(n, static_cast<std::size_t>(a), __builtin_return_address(0)); }
void* operator new[](std::size_t n, std::align_val_t a) { return take(n, static_cast<std::size_t>(a), __builtin_return_address(0)); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
#endif

using namespace strata;
using namespace strata::test;

namespace {

struct Requests {
  long own = 0, foreign = 0;
};

template <class Body>
Requests requests(const Body& body) {
  own = foreign = 0;
  counting = true;
  body();
  counting = false;
  return {own, foreign};
}

/// Whether this build counts; says so where it does not.
bool counts() {
  if (STRATA_COUNTS == 0) std::printf("SKIPPED: a sanitizer has its own malloc\n");
  return STRATA_COUNTS != 0;
}

/// Steps that a hierarchy has read before counting begins, and that are counted.
constexpr int read_before = 800, read_counted = 400;

template <class T>
void check(const std::string& what, Simulation<T>& simulation) {
  for (int t = 0; t < read_before; ++t) REQUIRE(simulation.advance());  // documents have ended, windows closed, the gate was open
  const Requests seen = requests([&] {
    for (int t = 0; t < read_counted; ++t) simulation.advance();
  });
  INFO(what << ": asked for memory " << seen.own << " times, libraries " << seen.foreign << " times");
  CHECK(seen.own == 0);
  std::printf("%s: libraries asked for memory %.1f times a step\n", what.c_str(), static_cast<double>(seen.foreign) / read_counted);
}

template <class T>
void check_text(const std::string& device, const std::vector<std::string>& lines) {
  Tiny<T> tiny(lines, 6, 8, 300, true, 1, device);
  check(device + ", text", *tiny.simulation);
}

}  // namespace

TEST_CASE("allocation: requests are counted") {
  if (!counts()) return;
  std::vector<std::unique_ptr<int>> kept(3);
  const Requests seen = requests([&] {
    kept[0] = std::make_unique<int>(1);
    std::free(std::malloc(100));
    kept[1] = std::make_unique<int>(2);
  });
  CHECK(seen.own >= 2);  // a compiler may leave malloc out
  std::string text;
  CHECK(requests([&] { text.append(100, 'x'); }).own == 1);  // inside the standard library
}

TEST_CASE("allocation: a step of a text hierarchy asks for no memory") {
  if (!counts()) return;
  const std::vector<std::string> all{"hierarchy.levels=4"};
  SECTION("reference") { check_text<double>("reference", all); }
  SECTION("cpu") { check_text<float>("cpu", all); }
  SECTION("weights of their own") {
    check_text<float>("cpu", {"hierarchy.levels=4", "hierarchy.feedback=mirrored", "level.0.embeddings=separate"});
  }
  SECTION("a share, and terms of the objective") {
    std::vector<std::string> more = all;
    for (const char* line : {"level.0.share=1", "level.0.flexibility=.1"}) more.emplace_back(line);
    for (const TermKind& term : term_kinds()) more.push_back("level.2." + std::string(term.name) + "=.1");
    check_text<float>("cpu", more);
  }
}

TEST_CASE("allocation: a step of categorical levels asks for no memory") {
  if (!counts()) return;
  const std::string kind = GENERATE("categorical", "conditional"), device = GENERATE("reference", "cpu");
  CategoricalRig<float> rig(
      kind, 3, 2, 12, read_before + read_counted + 1, [](Index t, Index j) { return random_word(static_cast<std::uint64_t>(j), t, 12); },
      {"level.0.contrast=2", "level.1.contrast=2"}, true, device);
  rig.simulation->start();
  check(device + ", " + kind, *rig.simulation);
}

TEST_CASE("allocation: a learning step of the dense network asks for no memory") {
  if (!counts()) return;
  const std::string name = GENERATE("reference", "cpu");
  DeviceOptions options;
  options.name = name;
  const auto device = make_device<float>(options);
  DenseNetworkSettings settings;
  settings.units = {20, 30, 30, 4};
  DenseNetwork<float> network(*device, settings, 70, 1);
  Tensor<float> input(*device, 20, 70), target(*device, 4, 70);
  const auto learn = [&] {
    network.settle(input, target);
    network.learn(input);
  };
  for (int i = 0; i < 3; ++i) learn();
  const Requests seen = requests([&] {
    for (int i = 0; i < 5; ++i) learn();
  });
  INFO(name << ": libraries " << seen.foreign << " times");
  CHECK(seen.own == 0);
}
