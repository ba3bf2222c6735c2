#include "core/device/cuda/product.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace strata::gpu {
namespace {

constexpr std::size_t most_plans = 4096;  // shapes with as many columns as streams are due come and go
constexpr int most_candidates = 8;

void require_blas(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw DeviceError(call, static_cast<int>(status),
                    std::string(cublasLtGetStatusString(status)) +
                        "; find the operation with --device check --set run.checked=cuda, or take --device cpu");
}

/// Bytes that an address is aligned to, 16 at most: what loads of several elements ask for.
std::uint32_t alignment_of(const void* address) {
  const auto bits = reinterpret_cast<std::uintptr_t>(address);
  return static_cast<std::uint32_t>(std::min<std::uintptr_t>(bits & (~bits + 1), 16));
}

cudaDataType_t input_type(Numbers numbers) {
  return numbers == Numbers::brief ? CUDA_R_16BF : numbers == Numbers::twofold ? CUDA_R_64F : CUDA_R_32F;
}
cudaDataType_t output_type(Numbers numbers) { return numbers == Numbers::twofold ? CUDA_R_64F : CUDA_R_32F; }
cublasComputeType_t compute_type(Numbers numbers) {
  if (numbers == Numbers::twofold) return CUBLAS_COMPUTE_64F;
  return numbers == Numbers::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

class Layout {
 public:
  Layout(cudaDataType_t type, Index rows, Index cols, Index ld) {
    require_blas(cublasLtMatrixLayoutCreate(&layout_, type, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(cols), ld),
                 "cublasLtMatrixLayoutCreate");
  }
  ~Layout() { cublasLtMatrixLayoutDestroy(layout_); }
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;
  operator cublasLtMatrixLayout_t() const { return layout_; }  // NOLINT: it is one

 private:
  cublasLtMatrixLayout_t layout_ = nullptr;
};

class Operation {
 public:
  Operation(Numbers numbers, bool transpose_a, bool transpose_b) {
    require_blas(cublasLtMatmulDescCreate(&operation_, compute_type(numbers), output_type(numbers)), "cublasLtMatmulDescCreate");
    set(CUBLASLT_MATMUL_DESC_TRANSA, transpose_a);
    set(CUBLASLT_MATMUL_DESC_TRANSB, transpose_b);
  }
  ~Operation() { cublasLtMatmulDescDestroy(operation_); }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  operator cublasLtMatmulDesc_t() const { return operation_; }  // NOLINT: it is one

 private:
  void set(cublasLtMatmulDescAttributes_t attribute, bool transpose) {
    const cublasOperation_t value = transpose ? CUBLAS_OP_T : CUBLAS_OP_N;
    require_blas(cublasLtMatmulDescSetAttribute(operation_, attribute, &value, sizeof(value)), "cublasLtMatmulDescSetAttribute");
  }
  cublasLtMatmulDesc_t operation_ = nullptr;
};

class Preference {
 public:
  Preference() { require_blas(cublasLtMatmulPreferenceCreate(&preference_), "cublasLtMatmulPreferenceCreate"); }
  ~Preference() { cublasLtMatmulPreferenceDestroy(preference_); }
  Preference(const Preference&) = delete;
  Preference& operator=(const Preference&) = delete;
  operator cublasLtMatmulPreference_t() const { return preference_; }  // NOLINT: it is one
  template <class V>
  void set(cublasLtMatmulPreferenceAttributes_t attribute, V value) {
    require_blas(cublasLtMatmulPreferenceSetAttribute(preference_, attribute, &value, sizeof(value)),
                 "cublasLtMatmulPreferenceSetAttribute");
  }

 private:
  cublasLtMatmulPreference_t preference_ = nullptr;
};

}  // namespace

struct Products::Plan {
  Operation operation;
  Layout a, b, d;
  std::optional<Layout> apart;                   // of C where it is not D
  std::vector<cublasLtMatmulAlgo_t> algorithms;  // the best first; those that turn out not to be there go

  explicit Plan(const ProductCall& p)
      : operation(p.numbers, p.transpose_a, p.transpose_b),
        a(input_type(p.numbers), p.transpose_a ? p.k : p.m, p.transpose_a ? p.m : p.k, p.lda),
        b(input_type(p.numbers), p.transpose_b ? p.n : p.k, p.transpose_b ? p.k : p.n, p.ldb),
        d(output_type(p.numbers), p.m, p.n, p.ldd) {
    if (p.c != p.d || p.ldc != p.ldd) apart.emplace(output_type(p.numbers), p.m, p.n, p.ldc);
  }

  /// In place is the one descriptor for both.
  cublasLtMatrixLayout_t c() const { return apart ? *apart : d; }

  void find(cublasLtHandle_t handle, const ProductCall& p) {
    Preference preference;
    preference.set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{workspace_bytes});
    preference.set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment_of(p.a));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment_of(p.b));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment_of(p.c));
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment_of(p.d));
    cublasLtMatmulHeuristicResult_t results[most_candidates];
    int count = 0;
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(handle, operation, a, b, c(), d, preference, most_candidates, results, &count);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED) return;
    require_blas(status, "cublasLtMatmulAlgoGetHeuristic");
    for (int i = 0; i < count; ++i)
      if (results[i].state == CUBLAS_STATUS_SUCCESS && results[i].workspaceSize <= workspace_bytes) algorithms.push_back(results[i].algo);
  }
};

Products::Products() { require_blas(cublasLtCreate(&handle_), "cublasLtCreate"); }

Products::~Products() {
  plans_.clear();
  cublasLtDestroy(handle_);
}

Products::Key Products::key_of(const ProductCall& p) {
  const auto kind = static_cast<int>(p.numbers) * 4 + (p.transpose_a ? 2 : 0) + (p.transpose_b ? 1 : 0);
  const std::uint32_t aligned = ((alignment_of(p.a) * 32 + alignment_of(p.b)) * 32 + alignment_of(p.c)) * 32 + alignment_of(p.d);
  return {kind, p.m, p.n, p.k, p.lda, p.ldb, p.ldc, p.ldd, static_cast<int>(aligned), p.c == p.d};
}

Products::Plan& Products::plan_of(const ProductCall& p) {
  const Key key = key_of(p);
  const auto known = plans_.find(key);
  if (known != plans_.end()) return *known->second;
  if (plans_.size() >= most_plans) plans_.clear();
  auto plan = std::make_unique<Plan>(p);
  plan->find(handle_, p);
  return *(plans_[key] = std::move(plan));
}

void Products::run(const ProductCall& call, cudaStream_t stream, void* workspace) {
  Plan& plan = plan_of(call);
  const auto alpha = static_cast<float>(call.alpha), beta = static_cast<float>(call.beta);
  const bool twofold = call.numbers == Numbers::twofold;
  const void* scale_ab = twofold ? static_cast<const void*>(&call.alpha) : &alpha;
  const void* scale_c = twofold ? static_cast<const void*>(&call.beta) : &beta;
  while (!plan.algorithms.empty()) {
    const cublasStatus_t status = cublasLtMatmul(handle_, plan.operation, scale_ab, call.a, plan.a, call.b, plan.b, scale_c, call.c,
                                                 plan.c(), call.d, plan.d, &plan.algorithms.front(), workspace, workspace_bytes, stream);
    if (status != CUBLAS_STATUS_NOT_SUPPORTED) return require_blas(status, "cublasLtMatmul");
    plan.algorithms.erase(plan.algorithms.begin());  // nothing was launched; the next has it from here on
  }
  ++plain_;
  plain_product(call, stream);
}

}  // namespace strata::gpu
