# SPDX-License-Identifier: Apache-2.0
"""A Slurm cluster of one node on this machine, for tests: its own munged, slurmctld and slurmd in a temporary folder.

Everything is started by start() and ended by stop(), by process id; nothing is left behind and nothing of an installed
cluster is touched. Accounting is off, as on the smallest sites.
"""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import time

NODE = "node0"
MAX_ARRAY_SIZE = 5  # so that splitting an array needs few elements

# Commands of users, and the daemons, which live outside the path of users.
TOOLS = ("sbatch", "squeue", "scontrol", "scancel")
DAEMONS = ("munged", "slurmctld", "slurmd")


def find(program):
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")


def missing():
    """What keeps a cluster from being started here, or nothing."""
    absent = [name for name in TOOLS + DAEMONS if not find(name)]
    if absent:
        return "not installed: " + ", ".join(absent) + " (packaging/test.sh --with-slurm installs them)"
    if os.geteuid() != 0:
        return "slurmd needs root to start a node"
    return None


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for entry in sockets:
        entry.bind(("127.0.0.1", 0))
    ports = [entry.getsockname()[1] for entry in sockets]
    for entry in sockets:
        entry.close()
    return ports


class Cluster:
    def __init__(self, folder, cpus=4):
        self.folder = pathlib.Path(folder)
        self.cpus = cpus
        self.daemons = {}
        self.environment = dict(os.environ)
        for name in list(self.environment):
            if name.startswith(("SLURM_", "SBATCH_", "SQUEUE_", "SCANCEL_")):
                del self.environment[name]
        self.environment["SLURM_CONF"] = str(self.folder / "slurm.conf")

    def start(self):
        for name in ("munge", "state", "spool", "run"):
            (self.folder / name).mkdir(mode=0o700)
        self.folder.chmod(0o755)
        (self.folder / "munge").chmod(0o755)
        key = self.folder / "munge" / "key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        munge = self.folder / "munge"
        self._spawn("munged", ["--foreground", f"--key-file={key}", f"--socket={munge / 'socket'}",
                               f"--pid-file={munge / 'pid'}", f"--log-file={munge / 'log'}",
                               f"--seed-file={munge / 'seed'}", "--num-threads=2", "--force"])
        self._wait("munged", lambda: (munge / "socket").exists())
        (self.folder / "slurm.conf").write_text(self._configuration())
        self.start_controller(["-c"])
        self._spawn("slurmd", ["-D", "-N", NODE])
        self._wait("slurmd", lambda: self.node_state() == "idle")

    def start_controller(self, options=()):
        self._spawn("slurmctld", ["-D"] + list(options))
        self._wait("slurmctld", lambda: self.call(["scontrol", "ping"]).returncode == 0)

    def stop_controller(self):
        self._end("slurmctld")

    def _configuration(self):
        control, daemon = free_ports(2)
        user = pwd.getpwuid(os.geteuid()).pw_name
        return f"""ClusterName=paretoscope-test
SlurmctldHost={socket.gethostname()}(127.0.0.1)
SlurmctldPort={control}
SlurmdPort={daemon}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={self.folder / 'munge' / 'socket'},cred_expire=5
CredType=cred/munge
StateSaveLocation={self.folder / 'state'}
SlurmdSpoolDir={self.folder / 'spool'}
SlurmctldPidFile={self.folder / 'run' / 'slurmctld.pid'}
SlurmdPidFile={self.folder / 'run' / 'slurmd.pid'}
SlurmctldLogFile={self.folder / 'slurmctld.log'}
SlurmdLogFile={self.folder / 'slurmd.log'}
SlurmctldDebug=verbose
SlurmdDebug=verbose
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SwitchType=switch/none
MpiDefault=none
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,default_queue_depth=100
MinJobAge=30
KillWait=5
OverTimeLimit=0
InactiveLimit=0
Waittime=0
SlurmctldTimeout=30
SlurmdTimeout=30
MaxArraySize={MAX_ARRAY_SIZE}
MailProg=/bin/true
NodeName={NODE} NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 CPUs={self.cpus} RealMemory=2000 State=UNKNOWN
PartitionName=DEFAULT Nodes={NODE} MaxTime=60 DefaultTime=10 OverSubscribe=NO State=UP
PartitionName=main Default=YES PriorityTier=1
PartitionName=urgent PriorityTier=10 PreemptMode=OFF
"""

    def _spawn(self, name, arguments):
        log = open(self.folder / f"{name}.out", "wb")
        self.daemons[name] = subprocess.Popen([find(name)] + arguments, env=self.environment, stdin=subprocess.DEVNULL,
                                              stdout=log, stderr=log, start_new_session=True)
        log.close()

    def _wait(self, name, ready, seconds=30):
        deadline = time.monotonic() + seconds
        while not ready():
            ended = self.daemons[name].poll()
            if ended is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not come up (exit status {ended}):\n{self.logs()}")
            time.sleep(0.1)

    def stop(self):
        """Ends the jobs, then the daemons; kills what does not go. Never raises."""
        if "slurmctld" in self.daemons:
            self.call(["scancel", "--signal=KILL", "--full", "--user", pwd.getpwuid(os.geteuid()).pw_name], timeout=10)
            self.call(["scancel", "--user", pwd.getpwuid(os.geteuid()).pw_name], timeout=10)
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and self.call(["squeue", "-h"], timeout=10).stdout.strip():
                time.sleep(0.2)
        for name in ("slurmd", "slurmctld", "munged"):
            self._end(name)

    def _end(self, name):
        daemon = self.daemons.pop(name, None)
        if daemon is None:
            return
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def call(self, command, timeout=60, **options):
        """A command with this cluster as its own; never raises for its exit status."""
        try:
            return subprocess.run([find(command[0]) or command[0]] + command[1:], env=self.environment, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  timeout=timeout, **options)
        except subprocess.TimeoutExpired as late:
            return subprocess.CompletedProcess(command, 124, late.stdout or "", late.stderr or "")

    def node_state(self):
        return self.call(["sinfo", "-h", "-o", "%T"]).stdout.strip()

    def logs(self):
        texts = []
        for name in ("munged.out", "slurmctld.log", "slurmd.log"):
            file = self.folder / name
            if file.exists():
                texts.append(f"--- {name}\n" + "\n".join(file.read_text(errors="replace").splitlines()[-40:]))
        return "\n".join(texts)
