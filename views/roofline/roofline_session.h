// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "roofline/hardware/hardware_table.h"
#include "views/roofline/roofline_analysis.h"

#include <QObject>
#include <QStringList>

#include <filesystem>
#include <memory>
#include <optional>

namespace paretoscope::views {

using RooflineAnalysisPtr = std::shared_ptr<const RooflineAnalysis>;

/// A prediction that was put aside to compare others with.
struct PinnedPrediction
{
    QString model;
    QString device;
    RooflineSetting setting;
    RooflineAnalysisPtr analysis;
};

/// What the roofline dock shows: model, devices, setting, the analysis of them, and which operation is looked at.
/// All parts of the dock talk to this object and never to each other. Knows no widget.
class RooflineSession : public QObject
{
    Q_OBJECT

public:
    /// @param resources folder of hardware.csv @param ownDevices the user's file of the same form; need not exist
    RooflineSession(std::filesystem::path resources, std::filesystem::path ownDevices, QObject* parent = nullptr);

    const RooflineModel* model() const { return m_model ? &*m_model : nullptr; }
    const QString& modelPath() const { return m_path; }
    const std::vector<roofline::HardwareSpec>& devices() const { return m_devices.all(); }
    const roofline::HardwareSpec& device() const;
    const QStringList& otherDevices() const { return m_otherDevices; } ///< whose roofs are drawn, too
    bool drawsAllTypes() const { return m_allTypes; }
    const std::filesystem::path& ownDevicesFile() const { return m_ownDevices; }
    const RooflineSetting& setting() const { return m_setting; }
    /// Null while there is no model or the setting is refused; then error() says why.
    const RooflineAnalysisPtr& analysis() const { return m_analysis; }
    const std::optional<core::Error>& error() const { return m_error; }
    /// Why a device cannot be chosen for this model and setting; nothing when it can.
    std::optional<core::Error> problemOf(const roofline::HardwareSpec& device) const;
    /// Those the operations run under, on request of all other number types, too; the same of other devices; measured
    /// ones.
    std::vector<Roof> roofs() const;
    std::optional<int> selected() const { return m_selected; } ///< index into the operations
    std::optional<int> hovered() const { return m_hovered; }
    const std::optional<PinnedPrediction>& pinned() const { return m_pinned; }

    /// Measured ceilings and points, drawn over what is predicted.
    void setMeasured(std::vector<Roof> roofs, std::vector<MeasuredPoint> points);

public Q_SLOTS:
    void openModel(const QString& path);
    void setDevice(const QString& name); ///< a name that is not known changes nothing
    void setOtherDevices(const QStringList& names);
    void setAllTypesDrawn(bool drawn);
    void setSetting(const paretoscope::views::RooflineSetting& setting);
    void select(std::optional<int> operation);
    void hover(std::optional<int> operation);
    void pin();
    void unpin();
    void reloadDevices();

Q_SIGNALS:
    void modelChanged();
    void devicesChanged(); ///< the table itself
    void changed();        ///< model, device, setting: a new analysis, or a reason why there is none
    void selectionChanged();
    void hoverChanged();
    void pinnedChanged();
    void failed(const paretoscope::core::Error& error);

private:
    void analyse();
    const roofline::HardwareSpec* find(const QString& name) const;

    std::filesystem::path m_resources;
    std::filesystem::path m_ownDevices;
    roofline::HardwareTable m_devices;
    QString m_path;
    std::optional<RooflineModel> m_model;
    QString m_device;
    QStringList m_otherDevices;
    bool m_allTypes = false;
    RooflineSetting m_setting;
    RooflineAnalysisPtr m_analysis;
    std::optional<core::Error> m_error;
    std::optional<int> m_selected;
    std::optional<int> m_hovered;
    std::optional<PinnedPrediction> m_pinned;
    std::vector<Roof> m_measuredRoofs;
    std::vector<MeasuredPoint> m_measuredPoints;
};

} // namespace paretoscope::views
