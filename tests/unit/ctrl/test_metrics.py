from hullguard.ctrl.metrics import Metrics


def test_two_applications_in_one_process_count_apart():
    one, other = Metrics(), Metrics()
    one.request("GET", "/api/v1/nodes", 200, 0.01)
    one.refused("not-signed-in")

    assert b'hullguard_http_requests_total{method="GET",route="/api/v1/nodes",status="200"} 1.0' in one.text()
    assert b'hullguard_refusals_total{code="not-signed-in"} 1.0' in one.text()
    assert b"/api/v1/nodes" not in other.text()


def test_an_invented_method_is_no_new_series():
    metrics = Metrics()
    metrics.request("BREW", "unknown", 405, 0.01)

    assert b"BREW" not in metrics.text()
    assert b'method="other"' in metrics.text()
