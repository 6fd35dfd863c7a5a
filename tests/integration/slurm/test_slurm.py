#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sweeps on a real Slurm: a cluster of one node that the test starts and stops (cluster.py).

Trials are those of tests/jobs/fake_worker.cpp, which take as long as their parameters say; one case has the real worker.
Arguments: PROGRAM FAKE_WORKER RESOURCES [WORKER] [-- TEST...]. Exit status 77: skipped, with the reason.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import cluster

PATIENCE = 90  # seconds that nothing here should come near to

MANIFEST = {
    "id": "fake/stage", "name": "Scripted", "version": "1", "kind": "stage", "summary": "Does what the test asks for.",
    "parameters": [
        {"name": "do", "type": "string", "default": "finish", "doc": "What happens."},
        {"name": "ms", "type": "integer", "default": 0, "minimum": 0, "maximum": 100000, "unit": "ms", "doc": "Time."},
        {"name": "code", "type": "string", "default": "Numerical", "doc": "Error code."},
        {"name": "once", "type": "string", "default": "", "doc": "A file."},
        {"name": "n", "type": "integer", "default": 0, "minimum": 0, "maximum": 1000, "doc": "Another trial."}]}


class Child:
    """A run of the program whose events are read one by one."""

    def __init__(self, command, folder, environment):
        self.out = tempfile.TemporaryFile("w+b")
        self.err = tempfile.TemporaryFile("w+b")
        self.read = 0
        self.process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                        stdout=self.out, stderr=self.err)

    def new_events(self):
        while True:
            text = os.pread(self.out.fileno(), 1 << 20, self.read)
            line, newline, _ = text.partition(b"\n")
            if not newline:
                return
            self.read += len(line) + 1
            yield json.loads(line)

    def errors(self):
        return os.pread(self.err.fileno(), 1 << 20, 0).decode()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.out.close()
        self.err.close()


class SlurmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="paretoscope-slurm-"))
        cls.folder.chmod(0o755)  # munge wants its socket to be reachable
        (cls.folder / "cluster").mkdir()
        cls.cluster = cluster.Cluster(cls.folder / "cluster")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.addClassCleanup(cls.cluster.stop)
        plugins = cls.folder / "plugins"
        (plugins / "fake" / "stage").mkdir(parents=True)
        (plugins / "fake" / "stage" / "manifest.json").write_text(json.dumps(MANIFEST))
        environment = cls.cluster.environment
        for name in list(environment):
            if name.startswith("PARETOSCOPE_") and name != "PARETOSCOPE_PREFIX":
                del environment[name]
        environment.update(PARETOSCOPE_PLUGINS=str(plugins), PARETOSCOPE_WORKER=FAKE_WORKER,
                           PARETOSCOPE_CACHE=str(cls.folder / "cache"), XDG_CONFIG_HOME="/nonexistent",
                           SLURM_TEST_MARK=str(cls.folder))
        cls.cluster.start()
        # Slurm looks for jobs near their end every half a minute: this one waits for its warning meanwhile.
        cls.warned = cls.folder / "warned"
        cls.write_sweep(cls.warned, [f"[stage: {{ms: 90000, once: {cls.warned}/marker}}]"])
        cls.warned_job = cls.submit(cls.warned, ["--time", "1"])

    def setUp(self):
        self.here = self.folder / self.id().rsplit(".", 1)[1]
        self.children = []

    def tearDown(self):
        for child in self.children:
            child.end()
        self.cluster.call(["scontrol", "update", f"nodename={cluster.NODE}", "state=resume"])

    # What the cases are made of.

    @classmethod
    def write_sweep(cls, folder, pipelines):
        folder.mkdir(exist_ok=True)
        (folder / "logs").mkdir(exist_ok=True)
        lines = "".join(f"  - {pipeline}\n" for pipeline in pipelines)
        (folder / "sweep.yaml").write_text(f"""paretoscope: 1
name: on the cluster
workload:
  kind: causal-lm
  model: {RESOURCES}/models/tiny-llama
  calibration: {{corpus: {RESOURCES}/demo/corpora/train_excerpt.raw.txt, samples: 4, length: 64}}
  evaluate:
    - perplexity: {{corpus: {RESOURCES}/demo/corpora/wiki.test.tokens, length: 64, windows: 2}}
pipelines:
{lines}objectives: [perplexity, stored_bytes]
""")

    @classmethod
    def paretoscope(cls, folder, arguments, status=0):
        call = cls.cluster.call([PROGRAM] + arguments, cwd=folder)
        if call.returncode != status:
            raise AssertionError(f"paretoscope {' '.join(arguments)}: {call.returncode}, not {status}\n"
                                 f"{call.stdout}\n{call.stderr}")
        return call

    @classmethod
    def submit(cls, folder, options, edit=lambda text: text):
        """Submits what slurm-script prints; the job id of the array."""
        script = cls.paretoscope(folder, ["slurm-script", "sweep.yaml", "--cpus-per-task", "1"] + options).stdout
        (folder / "sweep.sbatch").write_text(edit(script))
        call = cls.cluster.call(["sbatch", "--parsable", "sweep.sbatch"], cwd=folder)
        if call.returncode != 0:
            raise AssertionError(call.stderr)
        return call.stdout.strip()

    def wait_for(self, what, condition, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                queue = self.cluster.call(["squeue", "-r"]).stdout
                logs = "\n".join(f"--- {log}\n{log.read_text()}" for log in sorted(self.here.rglob("logs/*.out")))
                self.fail(f"{what} did not happen\n{queue}\n{logs}\n{self.cluster.logs()}")
            time.sleep(0.1)

    def wait_until_gone(self, job, folder=None):
        self.wait_for(f"the end of job {job}", lambda: not self.queue(job))

    def queue(self, job):
        """State by element."""
        text = self.cluster.call(["squeue", "-h", "-r", "-o", "%F|%K|%T"]).stdout
        rows = [line.split("|") for line in text.splitlines()]
        return {int(index): state for array, index, state in rows if array == str(job)}

    def trials(self, folder, project="results.pscope"):
        listed = json.loads(self.paretoscope(folder, ["list", project, "--json"]).stdout)["trials"]
        return {trial["id"]: trial for trial in listed}

    def values(self, folder, project):
        return {key: {name: metric["value"] for name, metric in trial["metrics"].items() if "bytes" not in name or
                      name == "stored_bytes"} for key, trial in self.trials(folder, project).items()}

    def provenance(self, folder, project="results.pscope"):
        return [json.loads(self.paretoscope(folder, ["show", project, trial, "--json"]).stdout)["provenance"]
                for trial in self.trials(folder, project)]

    def merge(self, folder):
        self.paretoscope(folder, ["merge", "results", "--into", "results.pscope"])

    def programs(self):
        """Process ids of paretoscope inside the jobs of this test."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0] == PROGRAM.encode() and any(str(self.here).encode() in word for word in words):
                found.append(int(process.name))
        return found

    def start_executor(self, options=()):
        child = Child([PROGRAM, "run", "sweep.yaml", "--project", "results.pscope", "--executor", "slurm",
                       "--slurm-poll", "0.3s", "--json-lines"] + list(options), self.here, self.cluster.environment)
        self.children.append(child)
        return child

    def events_until(self, child, wanted):
        """What the program told up to now, the wanted event last."""
        events = []

        def is_there():
            for event in child.new_events():
                events.append(event)
                if wanted(event):
                    return True
            return self.assertIsNone(child.process.poll(), f"{events}\n{child.errors()}")
        self.wait_for("the event", is_there)
        return events

    def finish(self, child, status=0):
        """What the program told since, and its stderr."""
        try:
            child.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.fail(f"the program does not end\n{child.errors()}\n{self.cluster.logs()}")
        events = list(child.new_events())
        self.assertEqual(child.process.returncode, status, f"{events}\n{child.errors()}")
        return events, child.errors()

    def executor_script(self, edit=lambda text: text):
        text = self.paretoscope(self.here, ["slurm-script", "sweep.yaml", "--cpus-per-task", "1"]).stdout
        (self.here / "site.sbatch").write_text(edit(text))
        return ["--slurm-script", "site.sbatch"]

    # The cases.

    def test_array_of_four_equals_a_local_run(self):
        pipelines = ["[]", "[rtn: {bits: [2, 3, 4, 8], group_size: [32, 64]}]"] if WORKER else \
            ["[]", "[stage: {n: [1, 2, 3, 4, 5, 6, 7, 8]}]"]
        self.write_sweep(self.here, pipelines)
        environment = self.cluster.environment
        before = environment["PARETOSCOPE_WORKER"]
        environment["PARETOSCOPE_WORKER"] = WORKER or before
        try:
            job = self.submit(self.here, ["--array", "4"])
            self.wait_until_gone(job)
            self.merge(self.here)
            self.paretoscope(self.here, ["run", "sweep.yaml", "--project", "local.pscope", "--threads", "1"])
        finally:
            environment["PARETOSCOPE_WORKER"] = before
        self.assertEqual(len(list((self.here / "results").glob("*.psl"))), 4)
        self.assertEqual(len(self.trials(self.here)), 9)
        self.assertEqual(self.values(self.here, "results.pscope"), self.values(self.here, "local.pscope"))
        elements = {entry["slurm"]["array_task"] for entry in self.provenance(self.here)}
        self.assertEqual(elements, {0, 1, 2, 3})
        # Submitted once more, the array finds nothing to do.
        again = self.cluster.call(["sbatch", "--parsable", "sweep.sbatch"], cwd=self.here).stdout.strip()
        self.wait_until_gone(again)
        for log in self.here.glob(f"logs/{again}_*.out"):
            self.assertIn("nothing to do", log.read_text())

    def test_killed_element_is_requeued_and_goes_on(self):
        self.write_sweep(self.here, ["[stage: {n: [1, 2, 3, 4], ms: 1500}]"])
        job = self.submit(self.here, ["--array", "2"], lambda text: text.replace(
            "sweep=sweep.yaml", f"sweep={self.here}/sweep.yaml").replace("results=results", f"results={self.here}/results"))
        shard = self.here / "results" / f"{job}_1.psl"
        self.wait_for("a finished trial", lambda: shard.exists() and b'"type":"trial"' in shard.read_bytes())
        victims = [pid for pid in self.programs() if f"{job}_1.psl" in pathlib.Path(f"/proc/{pid}/cmdline").read_text()]
        self.assertEqual(len(victims), 1)
        os.kill(victims[0], signal.SIGKILL)
        self.wait_for("the end of the element", lambda: 1 not in self.queue(job))
        self.assertEqual(self.cluster.call(["scontrol", "requeue", f"{job}_1"]).returncode, 0)
        self.wait_until_gone(job)
        self.merge(self.here)
        self.assertEqual([trial["status"] for trial in self.trials(self.here).values()], ["done"] * 4)
        restarts = sorted(entry["slurm"]["restarts"] for entry in self.provenance(self.here))
        self.assertEqual(restarts, [0, 0, 0, 1])  # what was finished was not run again

    def test_element_out_of_time_goes_on_later(self):
        self.write_sweep(self.here, ["[stage: {n: [1, 2, 3], ms: 2500}]"])
        job = self.submit(self.here, ["--array", "1"], lambda text: text.replace("time_limit= ", "time_limit=4s "))
        self.wait_until_gone(job)
        self.merge(self.here)
        self.assertEqual([trial["status"] for trial in self.trials(self.here).values()], ["done"] * 3)
        restarts = sorted(entry["slurm"]["restarts"] for entry in self.provenance(self.here))
        self.assertEqual(restarts, [0, 1, 2])
        log = (self.here / "logs" / f"{job}_0.out").read_text()  # of all its runs
        self.assertEqual(log.count("stopped, the same command goes on"), 2)

    def test_restarts_are_limited(self):
        self.write_sweep(self.here, ["[stage: {n: [1, 2, 3], ms: 2500}]"])
        job = self.submit(self.here, ["--array", "1", "--max-restarts", "0"],
                          lambda text: text.replace("time_limit= ", "time_limit=4s "))
        self.wait_until_gone(job)
        self.assertIn("(max_restarts)", (self.here / "logs" / f"{job}_0.out").read_text())
        self.merge(self.here)
        self.assertEqual([trial["status"] for trial in self.trials(self.here).values()].count("done"), 1)

    def test_slurms_own_warning_stops_and_requeues(self):
        self.here = self.warned
        self.wait_until_gone(self.warned_job)
        self.merge(self.warned)
        self.assertEqual([trial["status"] for trial in self.trials(self.warned).values()], ["done"])
        self.assertEqual(self.provenance(self.warned)[0]["slurm"]["restarts"], 1)

    def test_cancelled_element_does_not_come_back(self):
        self.write_sweep(self.here, ["[stage: {n: 1, ms: 60000}]"])
        job = self.submit(self.here, ["--array", "1"], lambda text: text.replace(
            "sweep=sweep.yaml", f"sweep={self.here}/sweep.yaml"))
        self.wait_for("the start of the trial", self.programs)
        self.cluster.call(["scancel", job])
        self.wait_until_gone(job)
        self.assertNotIn("requeue", (self.here / "logs" / f"{job}_0.out").read_text())
        self.assertEqual(self.programs(), [])

    def test_executor_fills_the_project_and_does_nothing_twice(self):
        self.write_sweep(self.here, ["[]", "[stage: {n: [1, 2, 3, 4, 5, 6]}]", "[stage: {do: fail, n: 7}]"])
        events, err = self.finish(self.start_executor(["--slurm-array", "7"] + self.executor_script()), 3)
        # MaxArraySize of the cluster is smaller.
        self.assertEqual([event["elements"] for event in events if event["event"] == "submitted"],
                         [cluster.MAX_ARRAY_SIZE, 2])
        self.assertEqual([event["event"] for event in events].count("trial_finished"), 8)
        self.assertIn("it went wrong", err)
        states = [trial["status"] for trial in self.trials(self.here).values()]
        self.assertEqual((states.count("done"), states.count("failed")), (7, 1))
        status = json.loads(self.paretoscope(self.here, ["status", "results.pscope", "--json"]).stdout)
        self.assertEqual(len(status["sweeps"]), 1)
        events, err = self.finish(self.start_executor(), 3)
        self.assertEqual([event["event"] for event in events], ["sweep_started", "sweep_finished"])
        # What failed is tried again when asked for, and nothing else.
        events, err = self.finish(self.start_executor(["--retry", "failed"] + self.executor_script()), 3)
        self.assertEqual([event["elements"] for event in events if event["event"] == "submitted"], [1])
        self.assertEqual([event["event"] for event in events].count("trial_finished"), 1)

    def test_drained_node_is_waited_for(self):
        self.write_sweep(self.here, ["[stage: {n: [1, 2, 3], ms: 2000}]"])
        child = self.start_executor(["--slurm-array", "3%1"] + self.executor_script())
        self.events_until(child, lambda event: event["event"] == "queue" and event["running"] == 1)
        drain = ["scontrol", "update", f"nodename={cluster.NODE}"]
        self.assertEqual(self.cluster.call(drain + ["state=drain", "reason=test"]).returncode, 0)
        # The element that runs may end; none begins.
        self.events_until(child, lambda event: event["event"] == "queue" and event["running"] == 0)
        self.assertIn(self.cluster.node_state(), ("drained", "draining"))  # another case may have a job there
        self.assertEqual(self.cluster.call(drain + ["state=resume"]).returncode, 0)
        self.finish(child)
        self.assertEqual([trial["status"] for trial in self.trials(self.here).values()], ["done"] * 3)

    def test_preempted_trials_have_not_failed(self):
        self.write_sweep(self.here, ["[stage: {n: [1, 2], ms: 5000}]"])
        child = self.start_executor(["--slurm-array", "2"] + self.executor_script())
        self.events_until(child, lambda event: event["event"] == "queue" and event["running"] == 2)
        self.cluster.call(["sbatch", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=sleep 1"])
        self.events_until(child, lambda event: event["event"] == "queue" and event["waiting"] > 0)
        events, err = self.finish(child)
        self.assertNotIn("failed", [event.get("status") for event in events])
        self.assertEqual([trial["status"] for trial in self.trials(self.here).values()], ["done"] * 2)
        self.assertIn(1, [entry["slurm"]["restarts"] for entry in self.provenance(self.here)])

    def test_refused_submission_is_one_sentence(self):
        for line, parts in (("#SBATCH --partition=nowhere", ["nvalid partition", "sinfo"]),
                            ("#SBATCH --mem=900G", ["sbatch refused the array", "less memory"])):
            with self.subTest(line):
                self.write_sweep(self.here, ["[]"])
                site = self.executor_script(lambda text: text.replace("##SBATCH --partition=NAME", line))
                call = self.paretoscope(self.here, ["run", "sweep.yaml", "--project", "results.pscope", "--executor",
                                                    "slurm"] + site, 4)
                self.assertEqual((call.stdout, call.stderr.count("\n")), ("", 1), call.stderr)
                for part in parts:
                    self.assertIn(part, call.stderr)
        # Nothing stands in the way of the next try.
        self.finish(self.start_executor(self.executor_script()))

    def test_killed_coordinator_is_followed_by_another(self):
        self.write_sweep(self.here, ["[stage: {n: [1, 2, 3, 4], ms: 4000}]"])
        options = ["--slurm-array", "2"] + self.executor_script()
        child = self.start_executor(options)
        events = self.events_until(child, lambda event: event["event"] == "trial_finished")
        child.process.kill()
        child.process.wait()
        events += self.finish(self.start_executor(options))[0]
        self.assertEqual([event["event"] for event in events].count("submitted"), 1)
        self.assertEqual([event["elements"] for event in events if event["event"] == "found"], [2])
        self.assertEqual([trial["status"] for trial in self.trials(self.here).values()], ["done"] * 4)
        self.assertEqual({entry["slurm"]["restarts"] for entry in self.provenance(self.here)}, {0})

    def test_restarted_controller_is_waited_for(self):
        self.write_sweep(self.here, ["[stage: {n: [1, 2], ms: 3000}]"])
        child = self.start_executor(["--slurm-array", "2"] + self.executor_script())
        self.events_until(child, lambda event: event["event"] == "queue" and event["running"] == 2)
        self.cluster.stop_controller()
        self.events_until(child, lambda event: event["event"] == "note" and "asking again" in event["text"])
        self.cluster.start_controller()
        self.finish(child)
        self.assertEqual([trial["status"] for trial in self.trials(self.here).values()], ["done"] * 2)

    def test_interrupt_ends_the_array(self):
        self.write_sweep(self.here, ["[stage: {n: [1, 2, 3], ms: 4000}]"])
        options = ["--slurm-array", "3%2"] + self.executor_script()
        child = self.start_executor(options)
        events = self.events_until(child, lambda event: event["event"] == "queue" and event["running"] == 2)
        job = next(event["array"] for event in events if event["event"] == "submitted")
        child.process.send_signal(signal.SIGINT)
        self.finish(child, 75)
        self.assertEqual(self.queue(job), {})
        events = self.finish(self.start_executor(options))[0]  # goes on
        self.assertEqual(events[-1]["interrupted"], 0)

    def test_other_signals_leave_the_array_alone(self):
        self.write_sweep(self.here, ["[stage: {n: [1, 2], ms: 2000}]"])
        options = ["--slurm-array", "2"] + self.executor_script()
        child = self.start_executor(options)
        self.events_until(child, lambda event: event["event"] == "queue" and event["running"] == 2)
        call = self.paretoscope(self.here, ["run", "sweep.yaml", "--project", "results.pscope", "--executor", "slurm"], 5)
        self.assertIn(str(child.process.pid), call.stderr)  # one coordinator at a time
        child.process.send_signal(signal.SIGTERM)
        self.finish(child, 75)
        events = self.finish(self.start_executor(options))[0]
        self.assertNotIn("submitted", [event["event"] for event in events])
        self.assertEqual(events[-1]["interrupted"], 0)


def tearDownModule():
    """Nothing that a job started is left running."""
    mark = b"SLURM_TEST_MARK=" + str(SlurmTest.folder).encode()
    left = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes():
                left.append((process / "cmdline").read_bytes().replace(b"\0", b" "))
        except OSError:
            continue
    if left:
        raise AssertionError(f"left running: {left}")


if __name__ == "__main__":
    words = sys.argv[1:]
    tests = words[words.index("--") + 1:] if "--" in words else []
    files = words[:words.index("--")] if "--" in words else words
    PROGRAM, FAKE_WORKER, RESOURCES, WORKER = (files + [None])[:4]
    reason = cluster.missing()
    if reason:
        print("skipped: " + reason)
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + tests, verbosity=2)
