"""DICOM instances for a load, and the requests that carry them.

pydicom makes one of a kind; the others are that one with other UIDs and pixels, so a study is there in a moment.
"""
import io
import os
import uuid

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
MULTI_FRAME_GRAYSCALE_WORD = "1.2.840.10008.5.1.4.1.1.7.3"
BOUNDARY = "a-boundary-that-no-pixel-spells"
CONTENT_TYPE = f'multipart/related;type="application/dicom";boundary={BOUNDARY}'
NOISE = os.urandom(1 << 20)


def new_uid():
    """Of always the same length, so that one takes the other's place (PS3.5, B.2)."""
    return f"2.25.1{uuid.uuid4().int % 10**37:037}"


def made(sop_class, frames=1):
    """(everything before the pixels' bytes, the instance's UID, the study's UID, how many pixel bytes follow)."""
    instance, study = new_uid(), new_uid()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = instance
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    image.is_little_endian, image.is_implicit_VR = True, False
    image.SpecificCharacterSet = "ISO_IR 192"
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.SOPClassUID, image.SOPInstanceUID = sop_class, instance
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, new_uid(), new_uid()
    image.StudyDate, image.StudyTime, image.AccessionNumber = "20261124", "093000", "A4711"
    image.SeriesDate, image.SeriesTime, image.ContentDate, image.ContentTime = "20261124", "093100", "20261124", "093105"
    image.Modality, image.Manufacturer, image.ManufacturerModelName = "CT", "Letterbox", "Bench"
    image.InstitutionName, image.StationName, image.ReferringPhysicianName = "Bench Hospital", "CT1", "Referrer^Rita"
    image.StudyDescription, image.SeriesDescription = "Thorax with contrast", "Axial 1.0"
    image.PatientName, image.PatientID, image.PatientBirthDate, image.PatientSex = "Bench^Berta", "4711", "19600102", "F"
    image.PatientAge, image.PatientWeight, image.BodyPartExamined, image.PatientPosition = "066Y", "71", "CHEST", "HFS"
    image.PositionReferenceIndicator = ""
    image.StudyID, image.SeriesNumber, image.AcquisitionNumber, image.InstanceNumber = "1", "2", "1", "1"
    image.KVP, image.SliceThickness, image.ExposureTime, image.XRayTubeCurrent = "120", "1", "500", "300"
    image.GantryDetectorTilt, image.TableHeight, image.ConvolutionKernel = "0", "150", "B31f"
    image.ImagePositionPatient, image.ImageOrientationPatient = ["-180", "-180", "0"], ["1", "0", "0", "0", "1", "0"]
    image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelSpacing = 1, "MONOCHROME2", ["0.7", "0.7"]
    image.Rows, image.Columns, image.BitsAllocated, image.BitsStored, image.HighBit = 512, 512, 16, 16, 15
    image.PixelRepresentation, image.WindowCenter, image.WindowWidth = 0, "40", "400"
    image.RescaleIntercept, image.RescaleSlope = "-1024", "1"
    if frames > 1:
        image.NumberOfFrames = str(frames)
    image.PixelData = b"\0\0"
    image["PixelData"].VR = "OW"
    file = io.BytesIO()
    image.save_as(file, write_like_original=False)
    pixels = frames * image.Rows * image.Columns * 2
    return file.getvalue()[:-6] + pixels.to_bytes(4, "little"), instance, study, pixels


class Kind:
    """Instances that differ in their UIDs and pixels alone."""

    def __init__(self, sop_class, frames=1):
        self.head, self.instance, self.study, self.pixels = made(sop_class, frames)
        self.size = len(self.head) + self.pixels

    def write(self, file, study, number):
        head = self.head.replace(self.study.encode(), study.encode()).replace(self.instance.encode(), new_uid().encode())
        file.write(head)
        start = number * 2 % (len(NOISE) // 2)
        written = 0
        while written < self.pixels:
            written += file.write(NOISE[start:start + min(len(NOISE) - start, self.pixels - written)])


def write_request(path, kind, study, numbers):
    """A STOW request's body with an instance for each of `numbers` (PS3.18, 10.5.1)."""
    with open(path, "wb") as file:
        for number in numbers:
            file.write(f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode())
            kind.write(file, study, number)
            file.write(b"\r\n")
        file.write(f"--{BOUNDARY}--\r\n".encode())


CT_SLICE = Kind(CT_IMAGE)
GIBIBYTE = Kind(MULTI_FRAME_GRAYSCALE_WORD, frames=2048)
# PostgreSQL gives out no more than 1 GiB of a large object at once, so Orthanc stores a larger one but can't read it.
NEARLY_A_GIBIBYTE = Kind(MULTI_FRAME_GRAYSCALE_WORD, frames=2040)
