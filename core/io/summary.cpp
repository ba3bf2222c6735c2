#include "core/io/summary.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"

namespace strata {

using Json = nlohmann::ordered_json;

struct Summary::Codec {
  static double finite(double x, const std::string& key) {
    if (!std::isfinite(x)) throw NumericalError(0, "summary", key, x, "it must be left out when it was not measured; nothing was written");
    return x;
  }

  static Json encoded(const Value& value, const std::string& key) {
    if (const auto* real = std::get_if<double>(&value)) return finite(*real, key);
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
    if (const auto* flag = std::get_if<bool>(&value)) return *flag;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) return *texts;
    if (const auto* object = std::get_if<Box>(&value)) return encoded(*object->held, key + ".");
    Json list = Json::array();
    if (const auto* reals = std::get_if<std::vector<double>>(&value))
      for (std::size_t i = 0; i < reals->size(); ++i) list.push_back(finite((*reals)[i], key + "[" + std::to_string(i) + "]"));
    if (const auto* objects = std::get_if<std::vector<Box>>(&value))
      for (std::size_t i = 0; i < objects->size(); ++i) list.push_back(encoded(*(*objects)[i].held, key + "[" + std::to_string(i) + "]."));
    return list;
  }

  static Json encoded(const Summary& summary, const std::string& prefix) {
    Json object = Json::object();
    for (const auto& [key, value] : summary.entries_) object[key] = encoded(value, prefix + key);
    return object;
  }

  static Summary decoded(const Json& object) {
    Summary summary;
    for (const auto& [key, value] : object.items()) {
      if (value.is_number_integer()) summary.set(key, value.get<std::int64_t>());
      if (value.is_number_float()) summary.set(key, value.get<double>());
      if (value.is_boolean()) summary.set(key, value.get<bool>());
      if (value.is_string()) summary.set(key, value.get<std::string>());
      if (value.is_object()) summary.put(key, Box(decoded(value)));
      if (value.is_array()) decode_list(summary, key, value);
    }
    return summary;
  }

  static void decode_list(Summary& summary, const std::string& key, const Json& list) {
    const auto all = [&](auto test) { return !list.empty() && std::all_of(list.begin(), list.end(), test); };
    if (all([](const Json& x) { return x.is_object(); })) {
      std::vector<Box> objects;
      for (const Json& x : list) objects.emplace_back(decoded(x));
      summary.put(key, std::move(objects));
    } else if (all([](const Json& x) { return x.is_string(); })) {
      summary.set(key, list.get<std::vector<std::string>>());
    } else if (list.empty() || all([](const Json& x) { return x.is_number(); })) {
      summary.set(key, list.get<std::vector<double>>());
    }
  }
};

Summary::Box::Box(Summary summary) : held(std::make_unique<Summary>(std::move(summary))) {}
Summary::Box::Box(const Box& other) : held(std::make_unique<Summary>(*other.held)) {}
Summary::Box::~Box() = default;

Summary::Box& Summary::Box::operator=(const Box& other) {
  held = std::make_unique<Summary>(*other.held);
  return *this;
}

const Summary::Value* Summary::find(const std::string& key) const {
  for (const auto& entry : entries_)
    if (entry.first == key) return &entry.second;
  return nullptr;
}

Summary::Value& Summary::value_at(const std::string& key, Value otherwise) {
  for (auto& entry : entries_)
    if (entry.first == key) return entry.second;
  return entries_.emplace_back(key, std::move(otherwise)).second;
}

Summary& Summary::put(const std::string& key, Value value) {
  value_at(key, value) = std::move(value);
  return *this;
}

Summary& Summary::set(const std::string& key, double value) { return put(key, value); }
Summary& Summary::set(const std::string& key, std::int64_t value) { return put(key, value); }
Summary& Summary::set(const std::string& key, bool value) { return put(key, value); }
Summary& Summary::set(const std::string& key, std::string value) { return put(key, std::move(value)); }
Summary& Summary::set(const std::string& key, std::vector<double> values) { return put(key, std::move(values)); }
Summary& Summary::set(const std::string& key, std::vector<std::string> values) { return put(key, std::move(values)); }

void Summary::remove(const std::string& key) {
  std::erase_if(entries_, [&](const auto& entry) { return entry.first == key; });
}

Summary& Summary::section(const std::string& key) {
  Value& value = value_at(key, Box(Summary()));
  if (!std::holds_alternative<Box>(value)) value = Box(Summary());
  return *std::get<Box>(value).held;
}

Summary& Summary::item(const std::string& key, std::size_t index) {
  Value& value = value_at(key, std::vector<Box>());
  if (!std::holds_alternative<std::vector<Box>>(value)) value = std::vector<Box>();
  auto& list = std::get<std::vector<Box>>(value);
  while (list.size() <= index) list.emplace_back(Summary());
  return *list[index].held;
}

std::vector<std::string> Summary::texts(const std::string& key) const {
  const Value* value = find(key);
  const auto* texts = value != nullptr ? std::get_if<std::vector<std::string>>(value) : nullptr;
  return texts != nullptr ? *texts : std::vector<std::string>();
}

std::size_t Summary::items(const std::string& key) const {
  const Value* found = find(key);
  const auto* list = found == nullptr ? nullptr : std::get_if<std::vector<Box>>(found);
  return list == nullptr ? 0 : list->size();
}

std::optional<double> Summary::number(const std::string& key) const {
  const Value* found = find(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* real = std::get_if<double>(found)) return *real;
  if (const auto* integer = std::get_if<std::int64_t>(found)) return static_cast<double>(*integer);
  if (const auto* flag = std::get_if<bool>(found)) return *flag ? 1.0 : 0.0;
  return std::nullopt;
}

std::optional<std::string> Summary::text(const std::string& key) const {
  const Value* found = find(key);
  const auto* text = found == nullptr ? nullptr : std::get_if<std::string>(found);
  return text == nullptr ? std::nullopt : std::optional(*text);
}

std::vector<double> Summary::numbers(const std::string& key) const {
  const Value* found = find(key);
  const auto* list = found == nullptr ? nullptr : std::get_if<std::vector<double>>(found);
  return list == nullptr ? std::vector<double>{} : *list;
}

const Summary* Summary::object(const std::string& key) const {
  const Value* found = find(key);
  const auto* object = found == nullptr ? nullptr : std::get_if<Box>(found);
  return object == nullptr ? nullptr : object->held.get();
}

const Summary* Summary::entry(const std::string& key, std::size_t index) const {
  return index < items(key) ? std::get<std::vector<Box>>(*find(key))[index].held.get() : nullptr;
}

std::vector<std::string> Summary::keys() const {
  std::vector<std::string> names;
  for (const auto& entry : entries_) names.push_back(entry.first);
  return names;
}

std::string Summary::to_json() const { return Codec::encoded(*this, "").dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

Summary Summary::from_json(std::string_view json, const std::string& name) {
  const Json parsed = Json::parse(json, nullptr, false);
  if (!parsed.is_object()) throw DataError(name, 0, "is not a summary: no JSON object");
  return Codec::decoded(parsed);
}

}  // namespace strata
