#include "core/device/cpu/packed.hpp"

#include "core/error.hpp"

namespace strata {
namespace {

using Desc = dnnl::memory::desc;
using dnnl::memory;

void require(dnnl_status_t status, const char* call) {
  if (status != dnnl_success) throw DeviceError(call, static_cast<int>(status), "the product failed; try --device reference");
}

dnnl::reorder::primitive_desc choose_reorder(const dnnl::engine& engine, const Desc& plain, const Desc& wanted, float scale) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);  // any thread may run it
  if (scale != 1) attributes.set_output_scales(0, {scale});
  return {engine, plain, engine, wanted, attributes};
}

dnnl::matmul::primitive_desc choose(const dnnl::engine& engine, const PackedProduct::Shape& s) {
  const auto type = s.brief ? memory::data_type::bf16 : memory::data_type::f32;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (s.add) {
    dnnl::post_ops sum;
    sum.append_sum(1);
    attributes.set_post_ops(sum);
  }
  const dnnl::matmul::desc desc(plain_matrix(s.streams, s.inner, s.x_stride, 1, type),
                                Desc({s.inner, s.outer}, type, memory::format_tag::any), plain_matrix(s.streams, s.outer, s.y_stride, 1));
  return {desc, attributes, engine};
}

}  // namespace

Desc plain_matrix(Index rows, Index cols, Index row_stride, Index col_stride, memory::data_type type) {
  return {{rows, cols}, type, memory::dims{row_stride, col_stride}};
}

PackedWeight::PackedWeight(const dnnl::engine& engine, const Desc& plain, const Desc& wanted, float scale)
    : desc_(wanted), source_(plain, engine, DNNL_MEMORY_NONE), memory_(wanted, engine) {
  const auto chosen = choose_reorder(engine, plain, wanted, scale);
  reorder_ = dnnl::reorder(chosen);
  scratch_ = dnnl::memory(chosen.scratchpad_desc(), engine);
}

void PackedWeight::fill(dnnl::stream& stream, const float* plain) {
  source_.set_data_handle(const_cast<float*>(plain));  // NOLINT(cppcoreguidelines-pro-type-const-cast): oneDNN reads it
  const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, source_.get()}, {DNNL_ARG_TO, memory_.get()}, {DNNL_ARG_SCRATCHPAD, scratch_.get()}};
  require(dnnl_primitive_execute(reorder_.get(), stream.get(), 3, args), "reorder");
}

PackedProduct::PackedProduct(const dnnl::engine& engine, const Shape& shape) {
  const auto chosen = choose(engine, shape);
  primitive_ = dnnl::matmul(chosen);
  x_ = chosen.src_desc();
  y_ = chosen.dst_desc();
  weights_ = chosen.weights_desc();
  scratch_ = chosen.scratchpad_desc();
}

void PackedProduct::make_places(const dnnl::engine& engine, std::size_t count) {
  while (places_.size() < count) places_.push_back({{x_, engine, DNNL_MEMORY_NONE}, {y_, engine, DNNL_MEMORY_NONE}, {scratch_, engine}});
}

void PackedProduct::multiply(dnnl::stream& stream, std::size_t place, const void* x, const memory& weights, float* y) {
  Place& at = places_[place];
  at.x.set_data_handle(const_cast<void*>(x));  // NOLINT(cppcoreguidelines-pro-type-const-cast): oneDNN reads it
  at.y.set_data_handle(y);
  const dnnl_exec_arg_t args[] = {
      {DNNL_ARG_SRC, at.x.get()}, {DNNL_ARG_WEIGHTS, weights.get()}, {DNNL_ARG_DST, at.y.get()}, {DNNL_ARG_SCRATCHPAD, at.scratch.get()}};
  require(dnnl_primitive_execute(primitive_.get(), stream.get(), 4, args), "matmul");
}

}  // namespace strata
