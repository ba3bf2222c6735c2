#pragma once
// What conformance tests of any device share: every operation against the reference, and whether bits come again.

#include <catch2/catch.hpp>

#include "core/device/check/check.hpp"
#include "core/device/reference/reference.hpp"
#include "tests/conformance/operations.hpp"

namespace strata::test {

template <class T>
std::unique_ptr<CheckDevice<T>> against_reference(std::unique_ptr<Device<T>> tested) {
  return std::make_unique<CheckDevice<T>>(std::move(tested), std::make_unique<ReferenceDevice<T>>());
}

template <class T>
std::string label(const Operation<T>& operation, const Shape& s) {
  return std::string(operation.call) + " " + operation.detail + " m " + std::to_string(s.m) + " n " + std::to_string(s.n) + " k " +
         std::to_string(s.k);
}

/// Every operation over every shape, with the tolerances of core/device/check.
template <class T>
void conforms(std::unique_ptr<Device<T>> tested) {
  const auto device = against_reference<T>(std::move(tested));
  for (const Operation<T>& operation : operations<T>()) {
    for (const Shape& s : shapes()) {
      INFO(label(operation, s));
      Operands<T> operands(*device);
      CHECK_NOTHROW(operation.run(*device, operands, s.m, s.n, s.k));
      CHECK(operands.surroundings_kept());
    }
  }
}

template <class T>
std::vector<T> results(Device<T>& device, const Operation<T>& operation, const Shape& s) {
  Operands<T> operands(device);
  operation.run(device, operands, s.m, s.n, s.k);
  return operands.contents();
}

/// The same bits from the same call, every time.
inline void repeats(Device<float>& device) {
  for (const Operation<float>& operation : operations<float>()) {
    const Shape s = {1003, 67, 65};
    INFO(label(operation, s));
    const std::vector<float> first = results<float>(device, operation, s);
    for (int again = 0; again < 3; ++again) {
      const std::vector<float> now = results<float>(device, operation, s);
      CHECK(std::memcmp(now.data(), first.data(), now.size() * sizeof(float)) == 0);
    }
  }
}

}  // namespace strata::test
