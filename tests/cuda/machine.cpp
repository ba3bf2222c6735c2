// The CUDA runtime's part of the machine in machine.hpp.

#include "tests/cuda/machine.hpp"

#include <cuda_runtime_api.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "core/random.hpp"

namespace strata::test {
namespace {

struct Graph {
  struct Node {
    std::function<void()> work;
    std::vector<std::size_t> after;
  };
  std::vector<Node> nodes;
};

struct FakeStream {
  std::deque<std::function<void()>> queue;
  std::uint64_t asked = 0, done = 0;
  std::shared_ptr<Graph> graph;  // while it is captured
  bool origin = false;
  std::vector<std::size_t> last;
};

struct FakeEvent {
  FakeStream* stream = nullptr;
  std::uint64_t position = 0;
  std::shared_ptr<Graph> graph;
  std::vector<std::size_t> nodes;
};

/// Device memory: one stretch of addresses, closed to the host but while the machine works.
class Arena {
 public:
  static constexpr std::size_t size = std::size_t{6} << 30U;
  /// Of what is larger only the beginning is ever touched: workspaces of products, which the products here do not use, and closing what was
  /// touched takes time.
  static constexpr std::size_t large = std::size_t{16} << 20U;
  Arena() : base_(static_cast<std::byte*>(mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {}
  std::byte* take(std::size_t bytes) {
    bytes = (bytes + 255) / 256 * 256;
    auto& old = free_[bytes];
    std::byte* result = nullptr;
    if (old.empty()) {
      if (used_ + bytes > size) return nullptr;
      result = base_ + used_;
      used_ += bytes;
      if (bytes < large) touched_ += bytes;
      if (!closed_) mprotect(base_, used_, PROT_READ | PROT_WRITE);
    } else {
      result = old.back();
      old.pop_back();
    }
    taken_[result] = bytes;
    open();
    if (bytes < large) std::memset(result, 0xff, bytes);
    close();
    return result;
  }
  bool give(void* data) {
    const auto found = taken_.find(static_cast<std::byte*>(data));
    if (found == taken_.end()) return false;
    free_[found->second].push_back(found->first);
    taken_.erase(found);
    return true;
  }
  void open() {
    if (depth_++ == 0 && closed_) mprotect(base_, used_, PROT_READ | PROT_WRITE);
    closed_ = false;
  }
  /// Closing takes longer the more was touched: of much memory it is done only now and then.
  void close() {
    if (--depth_ > 0 || (touched_ > (std::size_t{1} << 20U) && ++closings_ % 64 != 0)) return;
    mprotect(base_, used_, PROT_NONE);
    closed_ = true;
  }

 private:
  std::byte* base_;
  std::size_t used_ = 0, touched_ = 0;
  std::uint64_t closings_ = 0;
  int depth_ = 0;
  bool closed_ = true;
  std::map<std::byte*, std::size_t> taken_;
  std::map<std::size_t, std::vector<std::byte*>> free_;
};

Arena& arena() {
  static Arena one;
  return one;
}
std::set<FakeStream*>& streams() {
  static std::set<FakeStream*> all;
  return all;
}
cudaError_t last_error = cudaSuccess;

cudaError_t said(cudaError_t status) {
  if (status != cudaSuccess) last_error = status;
  return status;
}
bool capturing() {
  return std::any_of(streams().begin(), streams().end(), [](const FakeStream* s) { return s->graph != nullptr; });
}
FakeStream* of(cudaStream_t stream) { return reinterpret_cast<FakeStream*>(stream); }
FakeEvent* of(cudaEvent_t event) { return reinterpret_cast<FakeEvent*>(event); }

void run_until(FakeStream& stream, std::uint64_t position) {
  arena().open();
  while (stream.done < position) {
    const auto work = std::move(stream.queue.front());
    stream.queue.pop_front();
    ++stream.done;
    work();
  }
  arena().close();
}

/// Every node after those it waits for, else in an order of chance.
void run_graph(const Graph& graph, std::uint64_t chance) {
  std::vector<std::size_t> missing, ready;
  std::vector<std::vector<std::size_t>> next(graph.nodes.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    missing.push_back(graph.nodes[i].after.size());
    for (const std::size_t before : graph.nodes[i].after) next[before].push_back(i);
    if (missing[i] == 0) ready.push_back(i);
  }
  while (!ready.empty()) {
    chance = mix(chance);
    std::swap(ready[chance % ready.size()], ready.back());
    const std::size_t now = ready.back();
    ready.pop_back();
    graph.nodes[now].work();
    for (const std::size_t i : next[now])
      if (--missing[i] == 0) ready.push_back(i);
  }
}

/// Whether every node comes before the last of `origin`.
bool joined(const Graph& graph, const std::vector<std::size_t>& last) {
  std::vector<bool> reached(graph.nodes.size(), false);
  std::vector<std::size_t> open = last;
  while (!open.empty()) {
    const std::size_t now = open.back();
    open.pop_back();
    if (reached[now]) continue;
    reached[now] = true;
    open.insert(open.end(), graph.nodes[now].after.begin(), graph.nodes[now].after.end());
  }
  return std::all_of(reached.begin(), reached.end(), [](bool r) { return r; });
}

}  // namespace

Machine& machine() {
  static Machine one;
  return one;
}

}  // namespace strata::test

namespace strata::gpu {

void enqueue(cudaStream_t stream, std::function<void()> work) {
  test::FakeStream& s = *test::of(stream);
  if (s.graph == nullptr) {
    s.queue.push_back(std::move(work));
    ++s.asked;
    return;
  }
  s.graph->nodes.push_back({std::move(work), s.last});
  s.last = {s.graph->nodes.size() - 1};
}

}  // namespace strata::gpu

using namespace strata::test;  // NOLINT: what follows is C

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = machine().present ? 1 : 0;
  return said(machine().present ? cudaSuccess : cudaErrorNoDevice);
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  *value = attribute == cudaDevAttrComputeCapabilityMajor ? 9 : 0;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::strcpy(properties->name, "a processor of the tests");
  properties->totalGlobalMem = Arena::size;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
const char* cudaGetErrorString(cudaError_t status) { return status == cudaErrorNoDevice ? "no device (test)" : "an error of the tests"; }

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  if (capturing()) return said(cudaErrorStreamCaptureUnsupported);
  ++machine().allocations;
  *data = machine().memory ? arena().take(bytes) : nullptr;
  return said(*data == nullptr ? cudaErrorMemoryAllocation : cudaSuccess);
}
cudaError_t cudaFree(void* data) {
  if (data == nullptr) return cudaSuccess;
  if (capturing()) return said(cudaErrorStreamCaptureUnsupported);
  for (FakeStream* s : streams()) run_until(*s, s->asked);
  return said(arena().give(data) ? cudaSuccess : cudaErrorInvalidValue);
}
cudaError_t cudaHostAlloc(void** data, std::size_t bytes, unsigned) {
  if (capturing()) return said(cudaErrorStreamCaptureUnsupported);
  *data = ::operator new(bytes);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* data) {
  ::operator delete(data);
  return cudaSuccess;
}
cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned) {
  *device = host;
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t stream) {
  if (bytes < Arena::large) strata::gpu::enqueue(stream, [=] { std::memset(data, value, bytes); });
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  strata::gpu::enqueue(stream, [=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}
cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_stride, const void* from, std::size_t from_stride, std::size_t width,
                              std::size_t height, cudaMemcpyKind, cudaStream_t stream) {
  if (to_stride < width || from_stride < width) return said(cudaErrorInvalidPitchValue);
  strata::gpu::enqueue(stream, [=] {
    for (std::size_t i = 0; i < height; ++i)
      std::memcpy(static_cast<std::byte*>(to) + i * to_stride, static_cast<const std::byte*>(from) + i * from_stride, width);
  });
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  auto* made = new FakeStream;
  streams().insert(made);
  *stream = reinterpret_cast<cudaStream_t>(made);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  run_until(*of(stream), of(stream)->asked);
  streams().erase(of(stream));
  delete of(stream);
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (capturing()) return said(cudaErrorStreamCaptureUnsupported);
  ++machine().waits;
  run_until(*of(stream), of(stream)->asked);
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  FakeStream& s = *of(stream);
  const FakeEvent& e = *of(event);
  if (e.graph == nullptr) return said(cudaErrorNotSupported);  // outside of graphs the device uses one stream
  if (s.graph == nullptr) s.last.clear();
  s.graph = e.graph;
  s.last.insert(s.last.end(), e.nodes.begin(), e.nodes.end());
  std::sort(s.last.begin(), s.last.end());
  s.last.erase(std::unique(s.last.begin(), s.last.end()), s.last.end());
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = reinterpret_cast<cudaEvent_t>(new FakeEvent);
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete of(event);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  *of(event) = {of(stream), of(stream)->asked, of(stream)->graph, of(stream)->last};
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  run_until(*of(event)->stream, of(event)->position);
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  of(stream)->graph = std::make_shared<Graph>();
  of(stream)->origin = true;
  of(stream)->last.clear();
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const std::shared_ptr<Graph> made = of(stream)->graph;
  const bool whole = joined(*made, of(stream)->last);
  for (FakeStream* s : streams())
    if (s->graph == made) {
      s->graph.reset();
      s->last.clear();
    }
  if (!machine().captures) return said(cudaErrorStreamCaptureInvalidated);
  if (!whole) return said(cudaErrorStreamCaptureUnjoined);
  *graph = reinterpret_cast<cudaGraph_t>(new std::shared_ptr<Graph>(made));
  ++machine().captured;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* runs, cudaGraph_t graph, unsigned long long) {
  *runs = reinterpret_cast<cudaGraphExec_t>(new std::shared_ptr<Graph>(*reinterpret_cast<std::shared_ptr<Graph>*>(graph)));
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete reinterpret_cast<std::shared_ptr<Graph>*>(graph);
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t runs) {
  delete reinterpret_cast<std::shared_ptr<Graph>*>(runs);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t runs, cudaStream_t stream) {
  const auto graph = *reinterpret_cast<std::shared_ptr<Graph>*>(runs);
  const std::uint64_t chance = ++machine().replayed;
  strata::gpu::enqueue(stream, [=] { run_graph(*graph, chance); });
  return cudaSuccess;
}

}  // extern "C"
