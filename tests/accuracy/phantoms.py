"""Phantoms on which the bundled models of CT are measured: what is scanned, and how."""

PRONE, MIRRORED = (-1, 0, 0, 0, -1, 0), (-1, 0, 0, 0, 1, 0)

SCANS = {
    "without noise": {},
    "with noise": {"noise": 15.0},
    "with the noise of a low dose": {"noise": 30.0},
    "lying prone": {"orientation": PRONE},
    "with mirrored columns": {"orientation": MIRRORED, "shuffled": True},
    "feet first": {"feet_first": True, "shuffled": True},
    "in fine pixels": {"matrix": 512, "noise": 20.0},
    "in thin slices": {"slices": 140, "slice_spacing": 2.0, "noise": 25.0},
    "in thick slices": {"slices": 38, "slice_spacing": 7.5, "matrix": 128},
}
LUNGS = SCANS | {
    "with lungs that touch": {"noise": 12.0, "lungs_touch": True},
    "with severe emphysema": {"noise": 12.0, "emphysema": (0.3, 0.4)},
    "without emphysema": {"noise": 12.0, "emphysema": (0.0, 0.0)},
    "with contrast": {"noise": 12.0, "contrast": True},
    "with shallow breath": {"noise": 12.0, "lung_hu": -740.0},
    "of another patient": {"noise": 12.0, "seed": 5, "lungs_touch": True},
    "with nodules at the wall": {"noise": 12.0, "wall_nodules": (30.0, 20.0, 15.0, 25.0)},
}
LIVERS = SCANS | {
    "with a fatty liver": {"noise": 15.0, "liver_hu": 25.0},
    "with a very fatty liver": {"noise": 15.0, "liver_hu": -15.0},
    "with cysts": {"noise": 15.0, "cysts": True},
    "with little of the liver": {"noise": 15.0, "cut_bottom": 4},
}
