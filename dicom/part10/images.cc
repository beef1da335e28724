#include "dicom/part10/images.h"

#include <algorithm>
#include <array>

namespace letterbox::dicom {

namespace {

constexpr std::string_view kStorage = "1.2.840.10008.5.1.4.1.1.";

// PS3.4 table B.5-1 and the retired ones before them; what follows kStorage.
constexpr auto kImages = std::to_array<std::string_view>({
    // Computed and digital X-ray, mammography, intra-oral
    "1",
    "1.1",
    "1.1.1",
    "1.2",
    "1.2.1",
    "1.3",
    "1.3.1",
    // CT, ultrasound multi-frame, MR
    "2",
    "2.1",
    "2.2",
    "3",
    "3.1",
    "4",
    "4.1",
    "4.3",
    "4.4",
    // Nuclear medicine (retired), ultrasound, photoacoustic
    "5",
    "6",
    "6.1",
    "6.2",
    "6.3",
    // Secondary capture
    "7",
    "7.1",
    "7.2",
    "7.3",
    "7.4",
    // Angiography, fluoroscopy, tomosynthesis, intravascular OCT
    "12.1",
    "12.1.1",
    "12.2",
    "12.2.1",
    "12.3",
    "13.1.1",
    "13.1.2",
    "13.1.3",
    "13.1.4",
    "13.1.5",
    "14.1",
    "14.2",
    // Nuclear medicine, parametric map, segmentations
    "20",
    "30",
    "66.4",
    "66.7",
    "66.8",
    // Visible light: endoscopy, microscopy, photographs, eyes, slides, skin
    "77.1.1",
    "77.1.1.1",
    "77.1.2",
    "77.1.2.1",
    "77.1.3",
    "77.1.4",
    "77.1.4.1",
    "77.1.5.1",
    "77.1.5.2",
    "77.1.5.4",
    "77.1.5.5",
    "77.1.5.6",
    "77.1.5.7",
    "77.1.5.8",
    "77.1.6",
    "77.1.7",
    "77.1.8",
    "77.1.9",
    "81.1",
    "82.1",
    // PET, RT images
    "128",
    "128.1",
    "130",
    "481.1",
    "481.23",
    "481.24",
});

}  // namespace

bool is_image(std::string_view sop_class) noexcept {
  return sop_class.starts_with(kStorage) &&
         std::find(kImages.begin(), kImages.end(), sop_class.substr(kStorage.size())) !=
             kImages.end();
}

}  // namespace letterbox::dicom
