"""Files saved by the real libraries give no finding and no gap."""

from __future__ import annotations

import io
import pickle
import zipfile
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import DBSCAN, KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LassoLarsCV, LogisticRegression, Ridge, SGDClassifier
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, LabelEncoder, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from gatekeeper.checks.files import ALL
from gatekeeper.checks.files.joblib_streams import joblib_streams
from gatekeeper.evidence import Hazard, Severity
from tests.support import samples
from tests.support.artifacts import artifact, look

X = np.random.default_rng(0).random((40, 3))
Y = (X[:, 0] > 0.5).astype(int)
TEXTS = ["a cat", "a dog", "the cat; the dog | x"]


def fitted() -> dict[str, Any]:
    estimators = [
        LogisticRegression(), Ridge(), SGDClassifier(), LassoLarsCV(cv=3), RandomForestClassifier(3),
        ExtraTreesRegressor(3), GradientBoostingClassifier(n_estimators=3), AdaBoostClassifier(n_estimators=3),
        HistGradientBoostingClassifier(max_iter=3), IsolationForest(n_estimators=3), DecisionTreeClassifier(), SVC(),
        SVR(), GaussianNB(), KNeighborsClassifier(), KMeans(2, n_init=1), DBSCAN(), PCA(2), TruncatedSVD(2),
        GaussianMixture(2), StandardScaler(), KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"),
        OneHotEncoder(), SelectKBest(k=1), MLPClassifier(4, max_iter=400, tol=1.0), CalibratedClassifierCV(Ridge()),
        GaussianProcessRegressor(), ColumnTransformer([("s", StandardScaler(), [0])]),
        make_pipeline(StandardScaler(), LogisticRegression()), GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=2),
        StackingClassifier([("a", GaussianNB())], cv=2), VotingClassifier([("a", GaussianNB())]),
    ]  # fmt: skip
    estimators = [one for one in estimators if not isinstance(one, CalibratedClassifierCV)]
    made = {type(one).__name__: one.fit(X, Y) for one in estimators}
    made["CalibratedClassifierCV"] = CalibratedClassifierCV(GaussianNB(), cv=2).fit(X, Y)
    made["LabelEncoder"] = LabelEncoder().fit(["a", "b"])
    made["CountVectorizer"] = CountVectorizer().fit(TEXTS)
    made["TfidfVectorizer"] = TfidfVectorizer().fit(TEXTS)
    return made


def dumped(value: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    joblib.dump(value, out, **options)
    return out.getvalue()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::RuntimeWarning")
def test_scikit_learn_models_are_not_accused() -> None:
    files = {}
    for name, model in fitted().items():
        files[f"{name}.joblib"] = dumped(model)
        files[f"{name}-small.joblib"] = dumped(model, compress=3)
        files[f"{name}-2.pkl"] = pickle.dumps(model, 2)
        files[f"{name}-5.pkl"] = pickle.dumps(model, 5)
    assert len(files) >= 4 * 30
    subject = artifact(files)
    for check in ALL:
        result = look(check, subject)
        assert not [finding.message for finding in result.findings if finding.severity > Severity.INFO]
        assert not result.gaps


ARRAYS: dict[str, Any] = {
    "floats": np.zeros((3, 4)),
    "text": np.array(["ab", "c"]),
    "objects": np.array([1, None, "x"], dtype=object),
    "fields": np.zeros(3, dtype=[("a", "f4"), ("b", "i2")]),
    "dates": np.zeros(2, "M8[s]"),
    "nothing": np.zeros((0, 3)),
    "fortran": np.asfortranarray(np.ones((2, 3))),
    "scalar": np.float32(1.5),
    "mixed": {"a": np.ones(3), "o": np.array([{"k": np.ones(2)}], dtype=object), "b": [np.zeros(1)] * 2},
}


@pytest.mark.parametrize("case", ARRAYS)
def test_a_joblib_file_is_followed_to_its_end(case: str) -> None:
    data = dumped([ARRAYS[case], "after"])
    import pickletools

    streams = joblib_streams(data)
    for stream in streams:
        assert list(pickletools.genops(stream))[-1][0].name == "STOP"
    assert b"after" in streams[0]


def test_a_payload_after_or_in_an_array_is_found() -> None:
    from gatekeeper.checks.files.scanners import Scanners

    class Payload:
        def __reduce__(self) -> Any:
            return eval, ("1+1",)

    files = {
        "after.joblib": dumped([np.ones(100), Payload()]),
        "inside.joblib": dumped(np.array([Payload()], dtype=object)),
        "compressed.joblib": dumped([np.ones(100), Payload()], compress=("gzip", 3)),
    }
    result = look(Scanners(), files)
    accused = {finding.location.path for finding in result.findings if finding.hazard is Hazard.PAYLOAD}
    assert accused == set(files)


def test_an_array_that_lies_about_its_width_hides_nothing() -> None:
    """A type called `V1000000` whose state says one byte: only what numpy would do counts."""
    wrapper = b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(X\x05\x00\x00\x00shapeK\x01\x85"
    wrapper += b"X\x05\x00\x00\x00dtypecnumpy\ndtype\n(X\x05\x00\x00\x00V1000\x89\x88tR"
    wrapper += b"(K\x03X\x01\x00\x00\x00|NNNK\x01K\x01K\x00tbub"
    data = wrapper + b"\xff" + b"0cposix\nsystem\n(X\x04\x00\x00\x00truetR." + bytes(2000)
    from gatekeeper.checks.files.scanners import Scanners

    result = look(Scanners(), {"m.joblib": data})
    assert result.gaps or any(finding.hazard is Hazard.PAYLOAD for finding in result.findings)
    with pytest.raises(ValueError, match="length is not told"):
        joblib_streams(data)


def test_numpy_files_are_not_accused() -> None:
    compressed = io.BytesIO()
    np.savez_compressed(compressed, a=np.ones(1000), b=np.array(["x"]))
    objects = io.BytesIO()
    np.save(objects, np.array([1, "a", None], dtype=object))
    one = io.BytesIO()
    np.save(one, np.ones((2, 3)))
    files = {"a.npz": compressed.getvalue(), "o.npy": objects.getvalue(), "p.npy": one.getvalue()}
    files["c.bin"] = samples.torch_zip(samples.tensor_state("w"), {"0": np.ones(4, np.float32).tobytes()})
    for check in ALL:
        result = look(check, files)
        assert not result.findings
        assert not result.gaps


def test_onnx_models_give_no_finding_and_are_left_to_their_own_room() -> None:
    results = {check.id: look(check, {"model.onnx": samples.onnx_model()}) for check in ALL}
    assert not [finding for result in results.values() for finding in result.findings]
    assert not [gap for result in results.values() for gap in result.gaps]


def test_an_onnx_model_in_an_archive_is_said_to_be_unjudged() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("model.onnx", samples.onnx_model())
    results = {check.id: look(check, {"a.zip": packed.getvalue()}) for check in ALL}
    assert [gap.path for gap in results["files/scanners"].gaps] == ["a.zip!model.onnx"]


def test_external_data_beside_a_model_is_known() -> None:
    files = {"model.onnx": samples.onnx_model("model.onnx_data"), "model.onnx_data": b"\x00\x00\x80\x3f" * 2}
    assert not [finding for check in ALL for finding in look(check, files).findings]
