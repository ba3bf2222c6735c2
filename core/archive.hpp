#pragma once
// One description of what a thing consists of, used both to save and to restore it. core/io implements it on HDF5.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.hpp"

namespace strata {

/// A symmetric archive: the same `archive(Archive&)` body writes when saving and reads when loading.
/// Names form a tree through Scope. A loaded array must have the stored length for tensors (ShapeError otherwise); vectors are resized.
class Archive {
 public:
  virtual ~Archive() = default;
  virtual bool loading() const = 0;

  virtual void value(std::string_view name, std::int64_t& x) = 0;
  virtual void value(std::string_view name, double& x) = 0;
  virtual void value(std::string_view name, std::string& x) = 0;
  virtual void value(std::string_view name, std::vector<std::uint8_t>& x) = 0;
  virtual void value(std::string_view name, std::vector<std::int32_t>& x) = 0;
  virtual void value(std::string_view name, std::vector<std::int64_t>& x) = 0;
  virtual void value(std::string_view name, std::vector<float>& x) = 0;
  virtual void value(std::string_view name, std::vector<double>& x) = 0;

  /// A tensor is stored dense, rows x cols, column-major as (cols, rows) in row-major HDF5.
  template <class T>
  void tensor(std::string_view name, Tensor<T>& x);

  /// RAII: names inside live below `name`.
  class Scope {
   public:
    Scope(Archive& archive, std::string_view name) : archive_(archive) { archive_.enter(name); }
    ~Scope() { archive_.leave(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Archive& archive_;
  };

 protected:
  virtual void enter(std::string_view name) = 0;
  virtual void leave() = 0;
  /// Dense column-major data with its shape; when loading, `data` is filled and the shape checked against the stored one.
  virtual void matrix(std::string_view name, std::vector<float>& data, Index rows, Index cols) = 0;
  virtual void matrix(std::string_view name, std::vector<double>& data, Index rows, Index cols) = 0;
};

}  // namespace strata
