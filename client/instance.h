// What the DICOM attributes in an index say about an instance, as far as people go by it.
#pragma once

#include <string>
#include <string_view>

namespace letterbox::client {

/// All texts are as they are in the file, UTF-8; empty where there is nothing, or not one value in
/// its form. They are a sealer's words.
struct Instance {
  std::string uid;           ///< SOP Instance UID
  std::string patient_name;  ///< "Yamada^Tarou=山田^太郎"
  std::string patient_id;
  std::string born;  ///< "19701231"
  std::string study_uid;
  std::string study_date;  ///< "20040119"
  std::string study_description;
  std::string series_uid;
  std::string modality;
  std::string series_description;
};

/// From a DICOM JSON object (PS3.18 Annex F). Throws nothing but std::bad_alloc: what isn't as it
/// should be isn't there.
Instance instance_of(std::string_view attributes);

/// A name or date as people write it: "Yamada, Tarou (山田, 太郎)", "2004-01-19". What isn't in
/// DICOM's form stays as it is.
std::string readable_name(std::string_view name);
std::string readable_date(std::string_view date);

}  // namespace letterbox::client
