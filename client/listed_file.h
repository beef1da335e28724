// A file of a delivery as lists show it: what its index says of it, without the bulk of that.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "client/delivery_access.h"
#include "client/instance.h"
#include "records/index.h"

namespace letterbox::client {

/// A file, and what its sealer says of it.
struct ListedFile {
  Uuid file;
  std::uint64_t size;                   ///< of its plaintext
  std::optional<records::Index> index;  ///< without attributes; nothing if it has none
  std::optional<Instance> instance;     ///< of DICOM that says which study it is of
  /// It should have an index, and that doesn't come: the file was deleted, or is withheld.
  bool is_missing = false;
  /// A later file, from the same sender and sealer, says that it corrects this one.
  bool is_superseded = false;
};

/// Of a file whose manifest lists an index (or, with nothing, none).
ListedFile listed(const Uuid& file, std::uint64_t size, std::optional<records::Index> index);

/// Whether one of the texts by which people know a file has `text` in it, whatever the case of its
/// ASCII letters: of the patient, the study, the series, the file's name, its label.
bool mentions(const ListedFile& file, std::string_view text);

/// The files of a delivery at the gateway, in the manifest's order, or the `only` one. Throws as
/// fetch_indexes does, and Refused if there is no such file.
std::vector<ListedFile> listed_files(DeliveryAccess& access,
                                     const std::optional<Uuid>& only = std::nullopt);

}  // namespace letterbox::client
