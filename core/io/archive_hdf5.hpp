#pragma once
// Archive on HDF5: scopes are groups, values are datasets; see core/archive.hpp for what is stored how.

#include "core/archive.hpp"
#include "core/io/hdf5.hpp"

namespace strata {

/// Saves into or loads from `file` below `root`. The file must outlive the archive.
/// Errors: FileError (missing or of another kind), ShapeError (stored matrix of another shape, both shapes in the message),
/// NumericalError (a matrix that holds NaN or infinity, a vector that holds NaN), when saving as when loading.
class Hdf5Archive final : public Archive {
 public:
  enum class Direction { save, load };
  Hdf5Archive(Hdf5File& file, Direction direction, std::string root = "/state");
  bool loading() const override { return loading_; }

  void value(std::string_view name, std::int64_t& x) override;
  void value(std::string_view name, double& x) override;
  void value(std::string_view name, std::string& x) override;
  void value(std::string_view name, std::vector<std::uint8_t>& x) override;
  void value(std::string_view name, std::vector<std::int32_t>& x) override;
  void value(std::string_view name, std::vector<std::int64_t>& x) override;
  void value(std::string_view name, std::vector<float>& x) override;
  void value(std::string_view name, std::vector<double>& x) override;

 protected:
  void enter(std::string_view name) override;
  void leave() override;
  void matrix(std::string_view name, std::vector<float>& data, Index rows, Index cols) override;
  void matrix(std::string_view name, std::vector<double>& data, Index rows, Index cols) override;

 private:
  std::string at(std::string_view name) const;
  template <class T>
  void exact(const std::string& path) const;
  template <class T>
  void scalar(std::string_view name, T& x);
  template <class T>
  void list(std::string_view name, std::vector<T>& x);
  template <class T>
  void dense(std::string_view name, std::vector<T>& data, Index rows, Index cols);
  template <class T>
  void require_finite(const std::string& path, const std::vector<T>& data, bool infinity_allowed) const;

  Hdf5File& file_;
  bool loading_;
  std::vector<std::string> scopes_;
};

}  // namespace strata
