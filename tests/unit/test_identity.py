from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesort.domain import Anchor, Box, FaceColumns, PersonId
from facesort.grouping.anchors import AnchorIndex
from facesort.grouping.identity import gather_evidence, match_people, person_id
from tests.vectors import make_face

A, B, C = PersonId("pa"), PersonId("pb"), PersonId("pc")
PEOPLE = tuple(PersonId(f"p{i}") for i in range(5))

evidences = st.lists(
    st.dictionaries(st.sampled_from(PEOPLE), st.integers(1, 9), max_size=4), max_size=5
)


PLACES = 8  # faces of a photo


def anchor_of(face: int) -> Anchor:
    return make_face(face // PLACES, face % PLACES).anchor


def faces_of(cluster: int, faces: int = 2) -> list[int]:
    return [cluster * PLACES + place for place in range(faces)]


def match(
    evidence: Sequence[Mapping[PersonId, int]], exists: tuple[PersonId, ...] = PEOPLE
) -> list[PersonId]:
    founders = [faces_of(cluster) for cluster in range(len(evidence))]
    return match_people(evidence, founders, anchor_of, exists.__contains__)[0]


def evidence_of(
    *faces: tuple[int, PersonId | None, PersonId | None, bool],
) -> list[Counter[PersonId]]:
    clusters = max(label for label, *_ in faces) + 1
    labels, present, votes, sure = zip(*faces, strict=True)
    confirmed = {face for face, is_sure in enumerate(sure) if is_sure}
    return gather_evidence(clusters, labels, present, votes, confirmed)


@given(evidences)
def test_the_matching_is_one_to_one_and_no_other_is_better(evidence):
    found = match(evidence)
    assert len(set(found)) == len(found)

    def total(people: tuple[PersonId | None, ...]) -> int:
        return sum(
            cluster.get(person, 0)
            for cluster, person in zip(evidence, people, strict=True)
            if person is not None
        )

    nobody: tuple[None, ...] = (None,) * len(evidence)
    best = max((total(p) for p in permutations((*PEOPLE, *nobody), len(evidence))), default=0)
    known = tuple(person if person in PEOPLE else None for person in found)
    assert total(known) == best


@given(evidences)
def test_nobody_becomes_a_person_that_nothing_speaks_for(evidence):
    for cluster, person in zip(evidence, match(evidence), strict=True):
        assert person in cluster or person not in PEOPLE


@given(evidences)
def test_new_people_are_founded_on_a_face_of_theirs_and_are_really_new(evidence):
    founders = [faces_of(cluster) for cluster in range(len(evidence))]
    found, new = match_people(evidence, founders, anchor_of, PEOPLE.__contains__)
    assert set(new) == set(found) - set(PEOPLE)
    for cluster, person in enumerate(found):
        if person in new:
            assert new[person] in map(anchor_of, founders[cluster])


def test_the_larger_part_of_a_divided_person_keeps_the_id():
    assert match([{A: 2}, {A: 7}], (A,))[1] == A


def test_of_two_people_in_one_cluster_the_one_with_more_faces_stays():
    assert match([{A: 2, B: 3}], (A, B)) == [B]


def test_what_is_best_for_all_goes_before_what_is_best_for_one():
    # Cluster 0 is a little more A than B; but cluster 1 can only be A.
    assert match([{A: 5, B: 4}, {A: 3}], (A, B)) == [B, A]


def test_a_vote_outweighs_any_number_of_faces_that_were_merely_there():
    crowd = [(0, A, None, False)] * 5000
    assert match(evidence_of(*crowd, (0, None, B, False)), (A, B)) == [B]


def test_a_confirmed_face_outweighs_any_number_of_votes():
    crowd = [(0, A, A, False)] * 5000
    assert match(evidence_of(*crowd, (0, None, B, True)), (A, B)) == [B]
    # ... also when two clusters compete for one person.
    split = evidence_of(*crowd, (1, None, A, True))
    assert match(split, (A,))[1] == A


def test_large_numbers_of_confirmations_are_still_told_apart():
    one = [(0, None, A, True)] * 3000
    other = [(1, None, A, True)] * 3000
    assert match(evidence_of(*one, *other, (1, A, None, False)), (A,))[1] == A
    assert match(evidence_of(*one, (0, A, None, False), *other), (A,))[0] == A


def test_faces_of_nobody_are_no_evidence():
    assert gather_evidence(1, [-1, 0], [A, B], [A, None], {0}) == [Counter({B: 1})]


# Ids


def test_a_person_is_called_after_the_founding_face_on_every_machine():
    anchor = Anchor("jpeg:0123", Box(0.1, 0.2, 0.3, 0.4))
    assert person_id(anchor) == person_id(Anchor("jpeg:0123", Box(0.10001, 0.2, 0.3, 0.4)))
    assert person_id(anchor) == "pezxrhtf4"  # written down in libraries: it may never change


@given(st.integers(0, 50), st.integers(0, 7), st.integers(0, 50), st.integers(0, 7))
def test_different_faces_found_different_people(photo, place, other_photo, other_place):
    one, other = make_face(photo, place).anchor, make_face(other_photo, other_place).anchor
    assert (person_id(one) == person_id(other)) == (one == other)


def test_an_id_is_never_used_twice_not_even_when_every_face_has_founded_somebody():
    founders = [faces_of(0, 3)]
    used: set[PersonId] = set()
    for _ in range(20):
        (person,), new = match_people([{}], founders, anchor_of, used.__contains__)
        assert person not in used
        assert new[person] in map(anchor_of, founders[0])
        used.add(person)


def test_two_clusters_founded_at_once_never_share_an_id():
    shared = faces_of(0, 1)
    people, new = match_people([{}, {}], [shared, shared], anchor_of, lambda _: False)
    assert len(set(people)) == len(new) == 2


# Anchors


@pytest.mark.parametrize("shift", [-0.1, 0.05, 0.1, 0.2])
def test_another_detector_s_box_is_the_same_face(shift):
    before = [make_face(1, place) for place in range(4)]
    after = [make_face(1, place, shift=shift) for place in range(4)]
    index = AnchorIndex(FaceColumns.of(after))
    assert [index.find_id(face.anchor) for face in before] == [face.id for face in after]


def test_a_face_in_another_photo_or_elsewhere_in_the_photo_is_another_face():
    index = AnchorIndex(FaceColumns.of([make_face(1, 0), make_face(1, 3)]))
    assert index.find(make_face(2, 0).anchor) is None
    assert index.find(make_face(1, 1).anchor) is None


def test_the_face_that_overlaps_most_is_meant():
    far, near = make_face(1, 0, shift=0.4), make_face(1, 0, shift=-0.1)
    assert AnchorIndex(FaceColumns.of([far, near])).find_id(make_face(1, 0).anchor) == near.id
