#pragma once
// The health of a hierarchy that learns: six ways in which a level fails without an error, and what restores it.
//
// Discretisation  a look every monitor.every steps, at the step of an update; 16 looks make a verdict, each about its own looks. What two
//                 verdicts in a row say is a finding; a precision that is no number is one at once. Every look but a cure leaves all bits as they were.
//                 Where levels wake or fall asleep a verdict begins anew, and its looks with it; levels that sleep are not looked at
// Equations   frozen      r_l = |dw_l| / |w_l| of one update, over all weights of level l;      r_l < .03 of the mean of r below
//             ignored     d_l = loss with level l's share of the stream at its slow mean - loss (core/stream_lesion.hpp), over the later half of
//                         the level's verdicts, 2048 tokens at least;                                    mean d_l < 2 standard errors
//             imbalance   q_l = rms over streams and units of error_norm (Snapshot);             q of neighbours differ by more than 300;
//                         the sick one lies further from the median of all
//             runaway     rho = inferred or learned precision of the unit that has gone furthest, geometric mean over streams, over that of its level
//                         at its first verdict; rho > 1000 or rho < 1/1000, or not a number
//             collapsed   effective rank (sum lambda)^2 / sum lambda^2 = (tr C)^2 / |C|^2 of the covariance C of the belief over streams and looks;
//                         below 1 + n / 50, for n >= 8 above the lowest level, where 16 streams or time constants were seen
//             unsettled   what one sweep more would lower the free energy by, of that and what all sweeps did;   > .1, or sweeps rejected > .25
// Cures       one step per finding, then two verdicts' rest; with monitor.cure alone. Each is a setting of the level or of relaxation, or the rate
//             of a level's weights (Weight::rate); core/README.md lists them
// Limit       levels that learn alike: r alike; a share that never changes: d = 0; a belief along one line: rank 1; one exact sweep: nothing further
// Source      effective rank: participation ratio, Gao et al. 2017 (its logarithm: Roy & Vetterli 2007)

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/health_settings.hpp"
#include "core/hierarchy.hpp"
#include "core/schedule.hpp"
#include "core/stream_lesion.hpp"

namespace strata {

enum class Ailment { frozen, ignored, imbalance, runaway, collapsed, unsettled };
inline constexpr std::array<const char*, 6> ailment_names{"frozen", "ignored", "imbalance", "runaway", "collapsed", "unsettled"};

inline constexpr double rejected_part = .25;  ///< of sweeps, above which relaxation is unsettled

/// What a verdict says of one ailment of one level.
struct Reading {
  Ailment ailment;
  Index level;  ///< -1: of the hierarchy as a whole
  double value, threshold;
  bool ill;
};

/// A step of a cure.
struct Treatment {
  Ailment ailment;
  Index level;
  std::int64_t tokens;  ///< learned from by then
  std::string
      key;  ///< what was changed: a key of the configuration; level.L.pace, the factor of its weights' learning rate; level.L.weights,
            ///< drawn anew
  double from, to;
};

/// An ailment of a level that two verdicts in a row have found.
struct Finding {
  Reading first, last;        ///< when it was found; of the last verdict
  std::int64_t tokens = 0;    ///< learned from when it was found
  std::int64_t verdicts = 0;  ///< that found it, in all
};

template <class T>
class Health {
 public:
  /// `interval`: steps between two updates.
  Health(const HealthSettings& settings, Hierarchy<T>& hierarchy, Index interval);

  // --- where Simulation's hooks of these names call them, at every step
  void before_observe(const Step<T>& step);
  void before_forecast(const Step<T>& step);

  Index looks() const { return looks_; }
  const std::vector<Reading>& readings() const { return readings_; }  ///< of the last verdict
  const std::vector<Finding>& findings() const { return findings_; }  ///< in the order in which they were made
  const std::vector<Treatment>& treatments() const { return treatments_; }
  /// The present value of every key of the configuration that a cure has changed.
  std::vector<std::pair<std::string, double>> cured_keys() const;
  void archive(Archive& archive);  ///< loading: what cures have changed is changed again

  const HealthSettings settings;
  const Schedule<T>* schedule = nullptr;  ///< by which the hierarchy learns; levels that wait are not frozen

 private:
  static constexpr std::size_t gain_fields = 4;  // sum and sum of squares over looks, looks, tokens
  static constexpr Index whole = -1;             // the hierarchy, where no level is meant

  /// Sums over the looks of a verdict, per level.
  struct Sums {
    std::vector<double> update, updates, gain, error, errors, samples;
    double fall = 0, further = 0, rejections = 0, sweeps = 0;
  };

  bool looking_ = false;  // at this step: a level that wakes at its end is not looked at yet

  bool due(const Step<T>& step) const;
  void begin_anew();
  void keep_weights();
  void measure_updates();
  void sample_stream(const Step<T>& step);
  void sample_beliefs(const Step<T>& step);
  void sample_relaxation();
  double sum(ConstView<T> x);
  void clear_sums();

  void pass_verdict();
  void judge_frozen();
  void judge_ignored();
  void judge_imbalance();
  void judge_precision();
  void judge_rank();
  void judge_relaxation();
  std::vector<double> covariance(std::size_t level);
  void note(const Reading& reading);

  // --- cures (core/health_cures.cpp); true where something was changed
  bool treat(const Reading& reading);
  bool turn(const Reading& reading, const std::string& key, double to);
  bool raise_rate(const Reading& reading, double factor, double most);
  bool settle_longer(const Reading& reading);
  bool revive(const Reading& reading);
  void change_rates(Index level, double factor);
  std::optional<double> read(const std::string& key);
  void write(const std::string& key, double value);
  double* find_dial(const std::string& key);
  void archive_record(Archive& archive);

  Hierarchy<T>& hierarchy_;
  Device<T>& device_;
  std::uint64_t period_;  // steps
  Index depth_, awake_;   // levels; those that the present verdict is about
  std::int64_t looks_ = 0, verdicts_ = 0, tokens_ = 0;
  std::unique_ptr<StreamLesion<T>> lesion_;       // none where the hierarchy has no stream
  std::vector<Tensor<T>> kept_;                   // weights before the update that is looked at, in visiting order
  std::vector<double> before_;                    // their sum of squares, per level
  std::vector<Tensor<T>> moment_, mean_, shift_;  // sums of (x - shift)(x - shift)' and of x - shift, per level
  std::vector<Tensor<T>> centred_;
  Tensor<T> row_;
  std::vector<T> host_, intact_;
  Sums sums_;
  std::vector<double> gain_history_;     // Sums::gain of every verdict
  std::vector<std::int64_t> gain_from_;  // the first verdict that counts, per level
  std::vector<std::int64_t> woke_;       // verdicts before it woke, per level
  std::vector<double> precision_;        // logarithm at a level's first verdict, mean over units and streams; infinite before
  std::vector<std::int64_t> streak_;     // verdicts in a row, per ailment, and the whole and every level
  std::vector<double> boost_;            // of the rates of a level's weights
  std::vector<Reading> readings_;
  std::vector<Finding> findings_;
  std::vector<Treatment> treatments_;
};

}  // namespace strata
