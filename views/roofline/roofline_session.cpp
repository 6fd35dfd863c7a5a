// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/roofline_session.h"

#include "views/format/text.h"

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// What most readers have heard of, and what states everything a prediction needs.
const QString kFirstDevice = u"NVIDIA A100 SXM 80GB"_s;

bool isSame(const AnalysedOperation& a, const AnalysedOperation& b)
{
    return a.name == b.name && a.section == b.section && a.firstLayer == b.firstLayer;
}

} // namespace

RooflineSession::RooflineSession(std::filesystem::path resources, std::filesystem::path ownDevices, QObject* parent)
    : QObject(parent)
    , m_resources(std::move(resources))
    , m_ownDevices(std::move(ownDevices))
    , m_device(kFirstDevice)
{
    reloadDevices();
}

const roofline::HardwareSpec* RooflineSession::find(const QString& name) const
{
    const auto found = std::find_if(m_devices.all().begin(), m_devices.all().end(),
                                    [&](const roofline::HardwareSpec& each) { return toQString(each.name) == name; });
    return found == m_devices.all().end() ? nullptr : &*found;
}

const roofline::HardwareSpec& RooflineSession::device() const
{
    static const roofline::HardwareSpec kNone {};
    const roofline::HardwareSpec* found = find(m_device);
    return found ? *found : kNone;
}

void RooflineSession::reloadDevices()
{
    std::error_code ignored;
    std::vector<std::filesystem::path> files;
    if (std::filesystem::exists(m_ownDevices, ignored))
        files.push_back(m_ownDevices);
    core::Result<roofline::HardwareTable> table = roofline::HardwareTable::load(m_resources, files);
    if (!table.ok()) {
        Q_EMIT failed(table.error());
        table = roofline::HardwareTable::load(m_resources, {}); // the bundled ones alone
    }
    if (table.ok())
        m_devices = std::move(table).value();
    if (!find(m_device) && !m_devices.all().empty())
        m_device = find(kFirstDevice) ? kFirstDevice : toQString(m_devices.all().front().name);
    Q_EMIT devicesChanged();
    analyse();
}

void RooflineSession::openModel(const QString& path)
{
    core::Result<RooflineModel> model = readRooflineModel(path.toStdString());
    if (!model.ok()) {
        Q_EMIT failed(model.error());
        return;
    }
    m_model = std::move(model).value();
    m_path = path;
    m_selected.reset();
    if (m_model->shape.ok() && !m_model->hasAnswers()) {
        m_setting.stage = RooflineStage::Prefill;
        m_setting.mode = RooflineMode::Accurate;
    }
    if (!m_model->shape.ok())
        m_setting.mode = RooflineMode::Lv2409;
    Q_EMIT modelChanged();
    analyse();
}

void RooflineSession::setDevice(const QString& name)
{
    if (name == m_device || !find(name))
        return;
    m_device = name;
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

void RooflineSession::setSetting(const RooflineSetting& setting)
{
    if (setting == m_setting)
        return;
    m_setting = setting;
    analyse();
}

void RooflineSession::setMeasured(std::vector<Roof> roofs, std::vector<MeasuredPoint> points)
{
    m_measuredRoofs = std::move(roofs);
    m_measuredPoints = std::move(points);
    analyse();
}

void RooflineSession::analyse()
{
    const RooflineAnalysisPtr before = m_analysis;
    m_analysis.reset();
    m_error.reset();
    if (m_model) {
        core::Result<RooflineAnalysis> analysis = analyseRoofline(*m_model, device(), m_setting);
        if (analysis.ok()) {
            analysis.value().measured = m_measuredPoints;
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

std::optional<core::Error> RooflineSession::problemOf(const roofline::HardwareSpec& device) const
{
    if (!m_model)
        return std::nullopt;
    const auto results = rooflineResults(*m_model, device, m_setting);
    return results.ok() ? std::nullopt : std::optional(results.error());
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
    const auto add = [&](const roofline::HardwareSpec& device, bool withUsed) {
        for (std::size_t i = 0; i < roofline::kNumberTypes; ++i) {
            const auto type = roofline::NumberType(i);
            if (!(isUsed(type) ? withUsed : m_allTypes))
                continue;
            if (const std::optional<Roof> roof = roofOf(device, type, m_setting))
                roofs.push_back(*roof);
        }
    };
    add(device(), false);
    for (const QString& name : m_otherDevices) {
        const roofline::HardwareSpec* other = name == m_device ? nullptr : find(name);
        if (other)
            add(*other, true);
    }
    roofs.insert(roofs.end(), m_measuredRoofs.begin(), m_measuredRoofs.end());
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
    m_pinned = PinnedPrediction {toQString(m_model->name), m_device, m_setting, m_analysis};
    Q_EMIT pinnedChanged();
}

void RooflineSession::unpin()
{
    m_pinned.reset();
    Q_EMIT pinnedChanged();
}

} // namespace paretoscope::views
