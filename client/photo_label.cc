#include "client/photo_label.h"

#include <charconv>
#include <chrono>

#include "base/error.h"

namespace letterbox::client {
namespace {

Error unusable(const std::string& why) {
  return {ErrorCode::kUsage, why};
}

// A day that was: a typing error here is another patient.
void check_born(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  const char* const end = text.data() + text.size();
  const bool is_read = text.size() == 10 &&
                       std::from_chars(text.data(), end, year).ptr == text.data() + 4 &&
                       std::from_chars(text.data() + 5, end, month).ptr == text.data() + 7 &&
                       std::from_chars(text.data() + 8, end, day).ptr == end;
  // In days: nanoseconds, which the clock counts, overflow after 2262.
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!is_read || text[4] != '-' || text[7] != '-' || !date.ok() ||
      std::chrono::sys_days(date) > today)
    throw unusable("--born takes a day that was, as 1970-12-31");
}

std::optional<records::Patient> patient_of(const LabelOptions& options) {
  const bool is_named = options.patient || options.patient_id;
  if (is_named == options.no_patient)
    throw unusable(is_named ? "--no-patient excludes --patient and --patient-id"
                            : "say whose picture it is, with --patient or --patient-id, or that "
                              "there is no patient in it, with --no-patient");
  if (options.born && options.no_patient) throw unusable("--no-patient excludes --born");
  if (options.no_patient) return std::nullopt;
  if (options.born) check_born(*options.born);
  return records::Patient{options.patient, options.patient_id, options.born};
}

// Whether an index could hold it: texts of so many bytes, in UTF-8, without control characters.
void check_texts(const records::PhotoLabel& label) {
  try {
    records::index_bytes({.type = "image/png", .size = 0, .checked = true, .label = label});
  } catch (const Error& error) {
    throw unusable(std::string("that can't be said of a photo: ") + error.what());
  }
}

}  // namespace

std::optional<records::PhotoLabel> label_of(const LabelOptions& options) {
  if (!options.patient && !options.patient_id && !options.born && !options.no_patient &&
      !options.body_site && !options.side && !options.note && !options.consent)
    return std::nullopt;
  records::PhotoLabel label{.patient = patient_of(options),
                            .site = options.body_site,
                            .side = {},
                            .note = options.note,
                            .consent = options.consent};
  if (options.side) {
    label.side = records::parse_side(*options.side);
    if (!label.side) throw unusable("--side takes left, right or both");
  }
  check_texts(label);
  return label;
}

}  // namespace letterbox::client
