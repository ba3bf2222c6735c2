#pragma once
// summary.json: named numbers, texts, intervals, and lists of such. What was not measured is absent, never 0 or null; NaN never appears.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace strata {

/// An object with its keys in the order in which they were first set. A value: copies are deep.
/// References to sections and items stay good while other keys and items are added.
class Summary {
 public:
  Summary& set(const std::string& key, double value);
  Summary& set(const std::string& key, std::int64_t value);
  Summary& set(const std::string& key, int value) { return set(key, std::int64_t{value}); }
  Summary& set(const std::string& key, bool value);
  Summary& set(const std::string& key, std::string value);
  Summary& set(const std::string& key, const char* value) { return set(key, std::string(value)); }
  Summary& set(const std::string& key, std::vector<double> values);  ///< interval [low, high], or a series
  Summary& set(const std::string& key, std::vector<std::string> values);
  /// Not measured: the key stays absent (and is removed where it was set before).
  template <class T>
  Summary& set(const std::string& key, const std::optional<T>& value) {
    if (value) return set(key, *value);
    remove(key);
    return *this;
  }
  void remove(const std::string& key);

  Summary& section(const std::string& key);                  ///< nested object, made when absent
  Summary& item(const std::string& key, std::size_t index);  ///< entry of a list of objects ("levels"), made when absent
  std::size_t items(const std::string& key) const;           ///< entries of that list, 0 when absent

  bool has(const std::string& key) const { return find(key) != nullptr; }
  std::optional<double> number(const std::string& key) const;  ///< whole numbers and flags are converted
  std::optional<std::string> text(const std::string& key) const;
  std::vector<double> numbers(const std::string& key) const;     ///< empty when absent
  std::vector<std::string> texts(const std::string& key) const;  ///< empty when absent
  const Summary* object(const std::string& key) const;           ///< null when absent
  const Summary* entry(const std::string& key, std::size_t index) const;
  std::vector<std::string> keys() const;

  /// Indented JSON with a final newline. Throws NumericalError that names the key ("levels[2].half_life") of NaN or infinity.
  std::string to_json() const;
  /// Reads what to_json() wrote; nulls are passed over. Throws DataError{name} for anything but a JSON object.
  static Summary from_json(std::string_view json, const std::string& name);

 private:
  /// A Summary inside a Summary: at an address of its own, copied with its owner.
  struct Box {
    std::unique_ptr<Summary> held;
    explicit Box(Summary summary);
    Box(const Box& other);
    Box(Box&&) noexcept = default;
    Box& operator=(const Box& other);
    Box& operator=(Box&&) noexcept = default;
    ~Box();
  };
  using Value = std::variant<double, std::int64_t, bool, std::string, std::vector<double>, std::vector<std::string>, Box, std::vector<Box>>;
  struct Codec;  ///< to and from JSON

  const Value* find(const std::string& key) const;
  Value& value_at(const std::string& key, Value otherwise);
  Summary& put(const std::string& key, Value value);

  std::vector<std::pair<std::string, Value>> entries_;
};

}  // namespace strata
