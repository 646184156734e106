# shellcheck shell=bash
# A real Prometheus, where test/net/prometheus has fetched one. To be sourced after helpers.bash.

# prometheus_start DIRECTORY [PAGE]: it scrapes port 9469 every second, and is asked on port 9090; all on the box's own
# loopback
prometheus_start() {
	cat >"$BATS_TEST_TMPDIR/prometheus.yml" <<-END
		global:
		  scrape_interval: 1s
		  scrape_timeout: 1s
		scrape_configs:
		  - job_name: splicer
		    metrics_path: ${2-/metrics}
		    static_configs:
		      - targets: ['127.0.0.1:9469']
	END
	started "$BATS_TEST_TMPDIR/prometheus.log" "$1/prometheus" --config.file="$BATS_TEST_TMPDIR/prometheus.yml" \
		--storage.tsdb.path="$BATS_TEST_TMPDIR/tsdb" --web.listen-address=127.0.0.1:9090 \
		--web.console.templates="$BATS_TEST_TMPDIR" --web.console.libraries="$BATS_TEST_TMPDIR"
}

# prometheus_says PATH EXPRESSION: prints the Python expression over d, the data of its answer
prometheus_says() {
	python3 -BIc '
import json, sys, urllib.request
answer = json.load(urllib.request.urlopen("http://127.0.0.1:9090/api/v1/" + sys.argv[1], timeout=10))
d = answer["data"]
print(eval(sys.argv[2]))
' "$1" "$2" 2>/dev/null
}

# prometheus_complaints: what it says is wrong
prometheus_complaints() {
	grep -E 'level=(warn|error)' "$BATS_TEST_TMPDIR/prometheus.log" | grep -v 'GOMAXPROCS'
}
