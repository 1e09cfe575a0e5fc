"""Coded concepts, each with the context group or template that it comes from.

Schemes: SCT = SNOMED CT, DCM = DICOM controlled terminology (PS3.16 Annex D), UCUM = units,
LN = LOINC, 99AIRGATE = this program's own, for what no public terminology names.
"""

from pydicom.sr.coding import Code

# Segmented property categories, CID 7150
ANATOMICAL_STRUCTURE = Code("91723000", "SCT", "Anatomical Structure")
MORPHOLOGICALLY_ABNORMAL_STRUCTURE = Code("49755003", "SCT", "Morphologically Abnormal Structure")

PHYSICAL_OBJECT = Code("260787004", "SCT", "Physical object")

# Anatomy: LUNG from CID 7151, CHEST from CID 4031; one lung is SNOMED CT beyond the CIDs
LUNG = Code("39607008", "SCT", "Lung")
LEFT_LUNG = Code("44029006", "SCT", "Left lung")
RIGHT_LUNG = Code("3341006", "SCT", "Right lung")
BOTH_LUNGS = Code("74101002", "SCT", "Both lungs")
LIVER = Code("10200004", "SCT", "Liver")  # CID 7151 as well
CHEST = Code("816094009", "SCT", "Chest")

# Measurement concepts, CID 7469 (generic intensity and size measurements)
VOLUME = Code("118565006", "SCT", "Volume")
AREA = Code("42798000", "SCT", "Area")
DEPTH = Code("131197000", "SCT", "Depth")  # CID 7470
ATTENUATION_COEFFICIENT = Code("112031", "DCM", "Attenuation Coefficient")

# Derivations, CID 7464
MEAN = Code("373098007", "SCT", "Mean")
MINIMUM = Code("255605001", "SCT", "Minimum")
MAXIMUM = Code("56851009", "SCT", "Maximum")
STANDARD_DEVIATION = Code("386136009", "SCT", "Standard Deviation")

# Measurements that no public scheme that DICOM names has
LOW_ATTENUATION_AREA = Code("LAA-950", "99AIRGATE", "Low attenuation area below -950 HU")
PERCENTILE_15 = Code("PERC15", "99AIRGATE", "15th percentile of lung density")

# Units, UCUM
MILLILITRE = Code("ml", "UCUM", "ml")
MILLIMETRE = Code("mm", "UCUM", "mm")
SQUARE_MILLIMETRE = Code("mm2", "UCUM", "mm2")
HOUNSFIELD_UNIT = Code("[hnsf'U]", "UCUM", "Hounsfield unit")
PERCENT = Code("%", "UCUM", "%")

# Writing in the pixels: PS3.16 codes its removal (113101, DCM), not the writing itself
BURNED_IN_TEXT = Code("BURNED-IN-TEXT", "99AIRGATE", "Burned-in annotation")

# A parameter of a procedure step, by UID: the step whose results are input of this one
STANDS_ON = Code("STANDS-ON", "99AIRGATE", "Procedure step whose results are input")

# Algorithm families, CID 7162
ADAPTIVE_FILTERING = Code("123102", "DCM", "Adaptive Filtering")
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")
CLUSTER_ANALYSIS = Code("123107", "DCM", "Cluster Analysis")
DEFORMABLE_MODELS = Code("123111", "DCM", "Deformable Models")
EDGE_DETECTION = Code("123103", "DCM", "Edge Detection")
HISTOGRAM_ANALYSIS = Code("123105", "DCM", "Histogram Analysis")
MORPHOLOGICAL_OPERATIONS = Code("123104", "DCM", "Morphological Operations")
NEIGHBORHOOD_ANALYSIS = Code("123101", "DCM", "Neighborhood Analysis")

# Equipment
PROCESSING_EQUIPMENT = Code("109102", "DCM", "Processing Equipment")  # CID 7005

# Roots of structured reports and key object documents
IMAGING_MEASUREMENT_REPORT = Code("126000", "DCM", "Imaging Measurement Report")  # CID 7021
CT_UNSPECIFIED_BODY_REGION = Code("25045-6", "LN", "CT unspecified body region")  # CID 100

# Reasons why work ended, CID 9300 and those that it includes
DISCONTINUED_EQUIPMENT_FAILURE = Code("110501", "DCM", "Equipment failure")
DISCONTINUED_UNSPECIFIED = Code("110513", "DCM", "Discontinued for unspecified reason")
DISCONTINUED_OBJECTS_UNFIT = Code("110521", "DCM", "Objects incorrectly formatted")
DISCONTINUED_OBJECTS_LACKING = Code("110523", "DCM", "Object Set incomplete")
DISCONTINUED_RESOURCE_INADEQUATE = Code("110527", "DCM", "Resource inadequate")

# Parts of a measurement report, TID 1500 and TID 1002
DEVICE = Code("121007", "DCM", "Device")  # CID 270, observer type
PROCEDURE_REPORTED = Code("121058", "DCM", "Procedure reported")
IMAGING_MEASUREMENTS = Code("126010", "DCM", "Imaging Measurements")
DERIVED_IMAGING_MEASUREMENTS = Code("126011", "DCM", "Derived Imaging Measurements")
SUMMARY_OF_ANALYSES = Code("111065", "DCM", "Summary of Analyses")  # its value is of CID 6042
ANALYSIS_FAILED = Code("111224", "DCM", "Failed")
ANALYSIS_NOT_ATTEMPTED = Code("111225", "DCM", "Not Attempted")
QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")
FINDING = Code("121071", "DCM", "Finding")
COMMENT = Code("121106", "DCM", "Comment")
PRESENT = Code("52101004", "SCT", "Present")  # CID 240
ABSENT = Code("272519000", "SCT", "Absent")  # CID 240
FINDING_SITE = Code("363698007", "SCT", "Finding Site")
LATERALITY = Code("272741003", "SCT", "Laterality")  # of a site, CID 244
CERTAINTY_OF_FINDING = Code("111012", "DCM", "Certainty of Finding")  # percent, Annex D

# Why an image is referenced, CID 7202
SOURCE_IMAGE = Code("121322", "DCM", "Source image for image processing operation")
