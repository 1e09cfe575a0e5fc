"""The rows that the bench makes are those that the gateway itself would have made."""

from sqlalchemy import delete, select

from gateway.search import derived
from gateway.search.values import SOP_CLASSES_IN_STUDY
from gateway.store.tables import StudyRow, StudyValueRow
from tests.bench.archive_rows import NEWEST, RARE, STUDIES_A_DAY, Study
from tests.bench.search_growth import fill

_COUNTED = ("number_of_series", "number_of_instances")  # from instances, which are not made


def _derived(database) -> tuple[list, set]:
    columns = [column for column in StudyRow.__table__.columns if column.name not in _COUNTED]
    with database.write() as session:
        no_instances = StudyValueRow.attribute == SOP_CLASSES_IN_STUDY
        session.execute(delete(StudyValueRow).where(no_instances))
        studies = session.execute(select(*columns).order_by(StudyRow.study_instance_uid)).all()
        return list(studies), set(session.execute(select(*StudyValueRow.__table__.columns)))


def test_what_is_written_down_is_what_would_be_derived(database):
    fill(database, 300)
    written = _derived(database)
    with database.write() as session:
        derived.refresh_all(session)

    assert written == _derived(database)
    assert len(written[0]) == 300


def test_studies_grow_backwards_in_time_as_many_each_day():
    today = [Study(number) for number in range(STUDIES_A_DAY)]

    assert {study.study_date for study in today} == {NEWEST.strftime("%Y%m%d")}
    assert Study(STUDIES_A_DAY).study_date < today[0].study_date
    assert Study(6).patient_id == Study(8).patient_id != Study(9).patient_id


def test_the_rare_modality_is_as_rare_in_any_archive():
    assert sum(Study(number).modality == RARE for number in range(5000)) == 20
