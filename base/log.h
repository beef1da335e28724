// The operator's log: one structured line an event, on standard error.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace letterbox::log {

/// A named value of an event. Values are counts, ids that we made, addresses, codes and durations.
/// Never content: no payload byte, name, file name, DICOM UID, request target or key material.
using Field = std::pair<std::string_view, std::string>;
using Fields = std::initializer_list<Field>;

enum class Format : std::uint8_t {
  kLogfmt,  ///< time=… level=… event="…" name="value" …
  kJson,    ///< one object a line, all values strings
};

/// For every line from here on. kLogfmt until it is called; to be called before there are threads.
void set_format(Format format);

/// `event` is a fixed phrase ("upload stored"); what varies goes into fields. Thread-safe.
void info(std::string_view event, Fields fields = {});
void warn(std::string_view event, Fields fields = {});

/// An Error that nobody above will handle: code, message and place.
void error(std::string_view event, const Error& error, Fields fields = {});
void error(std::string_view event, Fields fields = {});

}  // namespace letterbox::log
