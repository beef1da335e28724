// A study through the slot: each instance is looked at and sealed as it streams, and all of a
// request gets into its deliveries together.
//
// This is the product, as deposit() is (gateway/deposit.h). It takes interfaces alone, so it is
// tested with neither HTTP nor SQL.
#pragma once

#include <optional>
#include <string>

#include "dicom/inspector.h"
#include "gateway/stow/answer.h"
#include "gateway/stow/destinations.h"
#include "gateway/stow/multipart.h"
#include "gateway/stow/uid_macs.h"
#include "storage/delivery_store.h"

namespace letterbox::gateway::stow {

/// What an instance is held against, and where it is put.
struct Shelf {
  dicom::Inspector& inspector;
  storage::StudyStore& studies;
  storage::DeliveryStore& deliveries;
};

/// Stores the instances of a request (PS3.18 section 10.5) and says what became of each. What was
/// stored is durable when it returns, and visible once its delivery closes. An instance that isn't
/// acceptable, not of `study` where there is one, or already there with other bytes, is a failure
/// in the answer; the others don't suffer. One that is there with the same bytes counts as stored.
/// Throws, and then nothing of the request is stored: what `parts` throws about the request itself,
/// Error kUnsupportedMediaType for a part that isn't application/dicom, kTooLarge if there are more
/// instances than their headers may take memory, kUnavailable. The plaintext lives in this call's
/// memory alone. Thread-safe.
Answer store_instances(Multipart& parts, const std::optional<std::string>& study, const Slot& slot,
                       const UidMacs& macs, const Shelf& shelf);

/// The same for a request of metadata and pictures (PS3.18 section 10.5.1, as in its Annex of
/// examples; IHE Web Image Capture): a first part that is application/dicom+json, then the JPEGs
/// that it names. Each becomes a DICOM file as it streams, and then takes the way of every other. A
/// photo that came with more than its picture is stored without, which the answer says; an instance
/// whose picture doesn't come is a failure. Throws, beside that, Error kMalformed for metadata that
/// can't be read and for a picture that none asks for.
Answer store_photos(Multipart& parts, const std::optional<std::string>& study, const Slot& slot,
                    const UidMacs& macs, const Shelf& shelf);

}  // namespace letterbox::gateway::stow
