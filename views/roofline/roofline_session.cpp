// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/roofline_session.h"

#include "core/base/installation.h"
#include "core/base/mapped_file.h"
#include "roofline/measured/machine_files.h"
#include "views/format/text.h"

#include <QFileInfo>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// What most readers have heard of, and what states everything a prediction needs.
const QString kFirstDevice = u"NVIDIA A100 SXM 80GB"_s;

bool isSame(const AnalysedOperation& a, const AnalysedOperation& b)
{
    return a.name == b.name && a.section == b.section && a.firstLayer == b.firstLayer;
}

/// Whether what was measured of one is what the other would take.
bool isSameNetwork(const roofline::ModelShape& a, const roofline::ModelShape& b)
{
    return a.hidden == b.hidden && a.vocabulary == b.vocabulary && a.layers() == b.layers() &&
           a.parameters() == b.parameters();
}

QString levelText(roofline::MemoryLevel level, const roofline::HardwareSpec& device)
{
    if (device.kind == "cpu")
        return level == roofline::MemoryLevel::L2 ? RooflineSession::tr("last cache")
                                                  : RooflineSession::tr("core caches");
    return level == roofline::MemoryLevel::L2 ? RooflineSession::tr("L2") : RooflineSession::tr("L1");
}

/// Roofs of the caches of a device, below the highest of those that are there.
void appendLevels(std::vector<Roof>& roofs, const roofline::Device& device, const RooflineSetting& setting)
{
    const auto highest =
        std::max_element(roofs.begin(), roofs.end(), [](const Roof& a, const Roof& b) { return a.peak < b.peak; });
    if (highest == roofs.end())
        return;
    const Roof under = *highest;
    for (const roofline::MemoryLevel level : {roofline::MemoryLevel::L2, roofline::MemoryLevel::L1}) {
        const std::optional<double> bandwidth = roofline::bandwidthOf(level, device.spec);
        if (bandwidth)
            roofs.push_back({.device = device.spec.name,
                             .level = levelText(level, device.spec).toStdString(),
                             .type = under.type,
                             .peak = under.peak,
                             .bandwidth = *bandwidth * efficiencyOf(setting).memory,
                             .isMeasured = under.isMeasured});
    }
}

template <typename Record>
bool isUnchanged(const std::vector<Record>& a, const std::vector<Record>& b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Record& one, const Record& other) {
        return one.name == other.name && one.recordedUtc == other.recordedUtc;
    });
}

} // namespace

RooflineSession::RooflineSession(std::filesystem::path resources, std::filesystem::path ownDevices, QObject* parent)
    : QObject(parent)
    , m_resources(std::move(resources))
    , m_ownDevices(std::move(ownDevices))
    , m_device(kFirstDevice)
    , m_problemRequest(this,
                       [this](const std::map<QString, QString>& problems) {
                           m_problems = problems;
                           Q_EMIT problemsFound();
                       })
    , m_measuredRequest(this, [this](const Measured& measured) {
        m_measured = measured;
        analyse();
    })
{
    reloadDevices();
}

const roofline::Device& RooflineSession::device() const
{
    static const roofline::Device kNone {};
    const roofline::Device* found = m_devices.find(m_device.toStdString());
    return found ? *found : kNone;
}

const RooflineModel* RooflineSession::model() const
{
    return m_trial ? m_trial->model.get() : m_model.get();
}

RooflineCase RooflineSession::current() const
{
    return {.model = m_trial ? m_trial->model : m_model,
            .device = device().spec,
            .setting = m_setting,
            .machine = device().machine,
            .draft = m_draft,
            .stored = m_trial ? m_trial->stored : nullptr};
}

void RooflineSession::reloadDevices()
{
    const auto tell = [this](const core::Error& error) { Q_EMIT failed(error); };
    m_devices = roofline::devicesOf({.resources = m_resources, .own = m_ownDevices, .machines = machineFolder()}, tell);
    roofline::addProjectDevices(m_devices, m_projectDevices, m_projectMachines, tell);
    if (!m_devices.find(m_device.toStdString()) && !m_devices.all().empty())
        m_device =
            m_devices.find(kFirstDevice.toStdString()) ? kFirstDevice : toQString(m_devices.all().front().spec.name);
    findMeasured();
    analyse();
    Q_EMIT devicesChanged();
}

void RooflineSession::setProject(const SnapshotPtr& snapshot)
{
    m_hasProject = snapshot != nullptr;
    static const ProjectSnapshot kNone {};
    const ProjectSnapshot& project = snapshot ? *snapshot : kNone;
    if (isUnchanged(project.machines, m_projectMachines) && isUnchanged(project.devices, m_projectDevices))
        return;
    m_projectMachines = project.machines;
    m_projectDevices = project.devices;
    reloadDevices();
}

core::Result<QString> RooflineSession::importMachine(const std::filesystem::path& file)
{
    PSC_ASSIGN(roofline::MachineProfile profile, roofline::readMachineProfile(file));
    const std::string name = profile.name;
    std::error_code ignored;
    for (int number = 2; std::filesystem::exists(machineFolder() / (profile.name + ".json"), ignored); ++number)
        profile.name = name + "-" + std::to_string(number);
    PSC_TRY(roofline::keepMachineProfile(profile, machineFolder()));
    reloadDevices();
    return toQString(profile.name);
}

core::Status RooflineSession::removeMachine(const std::string& name)
{
    const std::filesystem::path file = machineFolder() / (name + ".json");
    std::error_code problem;
    std::filesystem::remove(file, problem);
    if (problem)
        return core::Error {core::ErrorCode::Io, "cannot remove " + file.string() + ": " + problem.message(),
                            "make the folder writable"};
    reloadDevices();
    return core::success();
}

void RooflineSession::openModel(const QString& path)
{
    core::Result<RooflineModel> model = readRooflineModel(path.toStdString());
    if (!model.ok()) {
        Q_EMIT failed(model.error());
        return;
    }
    m_model = std::make_shared<const RooflineModel>(std::move(model).value());
    m_path = path;
    m_trial.reset();
    takeModel();
}

void RooflineSession::showTrial(std::optional<ShownTrial> trial)
{
    if (!trial && !m_trial)
        return;
    m_trial = std::move(trial);
    takeModel();
}

void RooflineSession::takeModel()
{
    m_selected.reset();
    if (const RooflineModel* shown = model()) {
        if (shown->shape.ok() && !shown->hasAnswers()) {
            m_setting.stage = RooflineStage::Prefill;
            m_setting.mode = RooflineMode::Accurate;
        }
        if (!shown->shape.ok())
            m_setting.mode = RooflineMode::Lv2409;
        if (!shown->hasExperts())
            m_setting.expertParallel = 1;
    }
    analyse();
    Q_EMIT modelChanged();
}

void RooflineSession::openDraft(const QString& path)
{
    if (path.isEmpty()) {
        m_draft.reset();
        return analyse();
    }
    core::Result<RooflineModel> draft = readRooflineModel(path.toStdString());
    if (!draft.ok()) {
        Q_EMIT failed(draft.error());
        return;
    }
    m_draft = std::make_shared<const RooflineModel>(std::move(draft).value());
    analyse();
}

void RooflineSession::setDevice(const QString& name)
{
    if (name == m_device || !m_devices.find(name.toStdString()))
        return;
    m_device = name;
    findMeasured();
    analyse();
}

void RooflineSession::setOtherDevices(const QStringList& names)
{
    if (names == m_otherDevices)
        return;
    m_otherDevices = names;
    Q_EMIT changed();
}

void RooflineSession::setAllTypesDrawn(bool drawn)
{
    if (drawn == m_allTypes)
        return;
    m_allTypes = drawn;
    Q_EMIT changed();
}

void RooflineSession::setLevelsDrawn(bool drawn)
{
    if (drawn == m_levels)
        return;
    m_levels = drawn;
    Q_EMIT changed();
}

void RooflineSession::openCounters(const QString& path)
{
    const core::Result<std::string> text = core::readTextFile(toPath(path));
    const QString name = QFileInfo(path).fileName();
    core::Result<roofline::Counters> counters = text.ok() ? roofline::readCounters(text.value(), name.toStdString())
                                                          : core::Result<roofline::Counters>(text.error());
    if (!counters.ok()) {
        Q_EMIT failed(counters.error());
        return;
    }
    m_counters = ShownCounters {name, std::move(counters).value()};
    Q_EMIT countersChanged();
}

void RooflineSession::closeCounters()
{
    m_counters.reset();
    Q_EMIT countersChanged();
}

void RooflineSession::setSetting(const RooflineSetting& setting)
{
    if (setting == m_setting)
        return;
    m_setting = setting;
    analyse();
}

void RooflineSession::analyse()
{
    const RooflineAnalysisPtr before = m_analysis;
    m_analysis.reset();
    m_error.reset();
    m_problems.clear();
    m_problemRequest.cancel();
    m_areProblemsKnown = false;
    if (model()) {
        core::Result<RooflineAnalysis> analysis = analyseRoofline(current());
        if (analysis.ok()) {
            analysis.value().measured = measuredPoints();
            m_analysis = std::make_shared<const RooflineAnalysis>(std::move(analysis).value());
        } else {
            m_error = analysis.error();
        }
    }
    m_hovered.reset();
    const std::optional<int> selected = m_selected;
    m_selected.reset();
    if (selected && before && m_analysis) { // the same operation under another setting
        const AnalysedOperation& wanted = before->operations[std::size_t(*selected)];
        const auto& list = m_analysis->operations;
        const auto found =
            std::find_if(list.begin(), list.end(), [&](const AnalysedOperation& each) { return isSame(each, wanted); });
        if (found != list.end())
            m_selected = int(found - list.begin());
    }
    Q_EMIT changed();
    Q_EMIT selectionChanged();
}

void RooflineSession::findProblems()
{
    if (m_areProblemsKnown || !model())
        return;
    m_areProblemsKnown = true;
    m_problemRequest.start(
        [wanted = current(), devices = m_devices.all()](QPromise<std::map<QString, QString>>& promise) {
            std::map<QString, QString> problems;
            RooflineCase here = wanted;
            for (const roofline::Device& device : devices) {
                if (promise.isCanceled())
                    return;
                here.device = device.spec;
                here.machine = device.machine;
                if (const auto results = rooflineResults(here); !results.ok())
                    problems[toQString(device.spec.name)] = toQString(results.error().sentence());
            }
            promise.addResult(problems);
        });
}

/// The parts that were timed on the chosen machine, as points. They are fitted anew, which takes a while.
void RooflineSession::findMeasured()
{
    const std::shared_ptr<const roofline::MachineProfile> machine = device().machine;
    if (machine == m_measured.machine)
        return;
    m_measured = {};
    m_measuredRequest.cancel();
    if (!machine || !machine->model)
        return;
    m_measuredRequest.start(
        [machine, families = core::Installation::locate().architectures()](QPromise<Measured>& promise) {
            roofline::MachineProfile profile = *machine;
            auto points = roofline::calibrateProfile(profile, families);
            auto model = roofline::readModelShape(machine->model->config, families);
            if (points.ok() && model.ok())
                promise.addResult(Measured {machine, std::move(model).value(), std::move(points).value().parts});
        });
}

/// Of the steps of this stage, those of the batch that is nearest to the setting's.
std::vector<MeasuredPoint> RooflineSession::measuredPoints() const
{
    if (!m_measured.machine || m_setting.stage == RooflineStage::Chat || m_setting.isCompatible() ||
        !model()->shape.ok() || !isSameNetwork(m_measured.model, model()->shape.value()))
        return {};
    const auto& steps = m_measured.machine->model->steps;
    const bool isPrefill = m_setting.stage == RooflineStage::Prefill;
    double nearest = std::numeric_limits<double>::infinity();
    for (const roofline::MeasuredStep& step : steps) {
        if (step.isPrefill == isPrefill && std::abs(step.batch - m_setting.batch) < std::abs(nearest - m_setting.batch))
            nearest = step.batch;
    }
    std::vector<MeasuredPoint> points;
    for (const roofline::LayerPoint& part : m_measured.parts) {
        const roofline::MeasuredStep& step = steps[part.step];
        if (step.isPrefill == isPrefill && step.batch == nearest && part.bytes > 0)
            points.push_back({part.part, part.flops / part.bytes, part.flops / part.measuredSeconds});
    }
    return points;
}

std::vector<Roof> RooflineSession::roofs() const
{
    if (!m_analysis)
        return {};
    std::vector<Roof> roofs = m_analysis->roofs;
    const auto isUsed = [&](roofline::NumberType type) {
        return std::any_of(m_analysis->roofs.begin(), m_analysis->roofs.end(),
                           [&](const Roof& roof) { return roof.type == roofline::numberTypeName(type); });
    };
    const auto add = [&](const roofline::Device& device, bool withUsed) {
        for (std::size_t i = 0; i < roofline::kNumberTypes; ++i) {
            const auto type = roofline::NumberType(i);
            if (!(isUsed(type) ? withUsed : m_allTypes))
                continue;
            if (std::optional<Roof> roof = roofOf(device.spec, type, m_setting)) {
                roof->isMeasured = device.machine != nullptr;
                roofs.push_back(*roof);
            }
        }
    };
    const roofline::Device& own = device();
    for (Roof& roof : roofs)
        roof.isMeasured = own.machine != nullptr;
    add(own, false);
    if (m_levels)
        appendLevels(roofs, own, m_setting);
    for (const QString& name : m_otherDevices) {
        const roofline::Device* other = name == m_device ? nullptr : m_devices.find(name.toStdString());
        if (other)
            add(*other, true);
    }
    return roofs;
}

void RooflineSession::select(std::optional<int> operation)
{
    if (operation == m_selected)
        return;
    m_selected = operation;
    Q_EMIT selectionChanged();
}

void RooflineSession::hover(std::optional<int> operation)
{
    if (operation == m_hovered)
        return;
    m_hovered = operation;
    Q_EMIT hoverChanged();
}

void RooflineSession::pin()
{
    if (!m_analysis)
        return;
    m_pinned = PinnedPrediction {m_trial ? m_trial->label : toQString(model()->name), m_device, m_setting, m_analysis};
    Q_EMIT pinnedChanged();
}

void RooflineSession::unpin()
{
    m_pinned.reset();
    Q_EMIT pinnedChanged();
}

} // namespace paretoscope::views
