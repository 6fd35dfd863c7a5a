// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/records.h"
#include "roofline/devices/known_devices.h"
#include "roofline/measured/counters.h"
#include "roofline/measured/layer_points.h"
#include "views/background/newest_request.h"
#include "views/roofline/roofline_analysis.h"
#include "views/snapshot/project_snapshot.h"

#include <QObject>
#include <QStringList>

#include <filesystem>
#include <map>
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

/// A trial of the project, shown with its weights as they are stored.
struct ShownTrial
{
    core::TrialId id;
    QString label;
    RooflineModelPtr model; ///< before the compression
    std::shared_ptr<const roofline::CompressedModel> stored;
};

/// What a profiler counted, drawn beside the predictions.
struct ShownCounters
{
    QString file; ///< its name
    roofline::Counters counters;
};

/// What the roofline dock shows: model or trial, devices, setting, the analysis of them, and which operation is looked
/// at. All parts of the dock talk to this object and never to each other. Knows no widget.
class RooflineSession : public QObject
{
    Q_OBJECT

public:
    /// @param resources folder of hardware.csv @param ownDevices the user's file of the same form; need not exist.
    /// Machine profiles are those of the folder `machines` beside it.
    RooflineSession(std::filesystem::path resources, std::filesystem::path ownDevices, QObject* parent = nullptr);

    const RooflineModel* model() const; ///< null: none is open
    const QString& modelPath() const { return m_path; }
    const std::optional<ShownTrial>& trial() const { return m_trial; } ///< in place of the model that was opened
    const RooflineModelPtr& draft() const { return m_draft; }          ///< null: nothing is drafted
    const std::vector<roofline::Device>& devices() const { return m_devices.all(); }
    roofline::HardwareTable hardware() const { return m_devices.table(); } ///< of all devices
    const roofline::Device& device() const;
    const QStringList& otherDevices() const { return m_otherDevices; } ///< whose roofs are drawn, too
    bool drawsAllTypes() const { return m_allTypes; }
    bool drawsLevels() const { return m_levels; }
    const std::optional<ShownCounters>& counters() const { return m_counters; }
    bool hasProject() const { return m_hasProject; }
    const std::filesystem::path& ownDevicesFile() const { return m_ownDevices; }
    std::filesystem::path machineFolder() const { return m_ownDevices.parent_path() / "machines"; }
    const RooflineSetting& setting() const { return m_setting; }
    RooflineCase current() const; ///< what is analysed; there is a model
    /// Null while there is no model or the setting is refused; then error() says why.
    const RooflineAnalysisPtr& analysis() const { return m_analysis; }
    const std::optional<core::Error>& error() const { return m_error; }
    /// Why devices cannot be chosen for this model and setting, by name; empty until problemsFound(), which
    /// findProblems() leads to.
    const std::map<QString, QString>& problems() const { return m_problems; }
    void findProblems();
    /// Those the operations run under, on request of all other number types, too; the same of other devices; of the
    /// device itself those of the caches whose bandwidth it states, unless they are not wanted.
    std::vector<Roof> roofs() const;
    std::optional<int> selected() const { return m_selected; } ///< index into the operations
    std::optional<int> hovered() const { return m_hovered; }
    const std::optional<PinnedPrediction>& pinned() const { return m_pinned; }

    /// Whose machine profiles and devices are offered; null: no project.
    void setProject(const SnapshotPtr& snapshot);
    /// In place of the model that was opened, until nothing is given.
    void showTrial(std::optional<ShownTrial> trial);
    /// Keeps the profile of a file in the settings folder, under a name that is free. @return that name.
    /// Errors: those of roofline::readMachineProfile and keepMachineProfile.
    core::Result<QString> importMachine(const std::filesystem::path& file);
    /// Of the settings folder. Errors: Io.
    core::Status removeMachine(const std::string& name);

public Q_SLOTS:
    void openModel(const QString& path);
    void openDraft(const QString& path); ///< an empty path: nothing is drafted
    void setDevice(const QString& name); ///< a name that is not known changes nothing
    void setOtherDevices(const QStringList& names);
    void setAllTypesDrawn(bool drawn);
    void setLevelsDrawn(bool drawn);
    /// What Nsight Compute wrote; failed() when it cannot be read.
    void openCounters(const QString& path);
    void closeCounters();
    void setSetting(const paretoscope::views::RooflineSetting& setting);
    void select(std::optional<int> operation);
    void hover(std::optional<int> operation);
    void pin();
    void unpin();
    void reloadDevices();

Q_SIGNALS:
    void modelChanged();
    void devicesChanged(); ///< the list itself
    void changed();        ///< model, device, setting: a new analysis, or a reason why there is none
    void problemsFound();
    void selectionChanged();
    void hoverChanged();
    void pinnedChanged();
    void countersChanged();
    void deviceSaved(const paretoscope::core::DeviceRecord& device); ///< for the project, too
    void deviceRemoved(const QString& name);                         ///< from the project
    void failed(const paretoscope::core::Error& error);

private:
    /// What was timed on a machine; none of it without one.
    struct Measured
    {
        std::shared_ptr<const roofline::MachineProfile> machine = {};
        roofline::ModelShape model = {}; ///< that was timed
        std::vector<roofline::LayerPoint> parts = {};
    };

    void analyse();
    void takeModel(); ///< a setting that the model does not know gives way
    void findMeasured();
    std::vector<MeasuredPoint> measuredPoints() const;

    std::filesystem::path m_resources;
    std::filesystem::path m_ownDevices;
    roofline::DeviceList m_devices;
    std::vector<core::MachineRecord> m_projectMachines;
    std::vector<core::DeviceRecord> m_projectDevices;
    bool m_hasProject = false;
    QString m_path;
    RooflineModelPtr m_model; ///< that was opened
    std::optional<ShownTrial> m_trial;
    RooflineModelPtr m_draft;
    QString m_device;
    QStringList m_otherDevices;
    bool m_allTypes = false;
    bool m_levels = true;
    std::optional<ShownCounters> m_counters;
    RooflineSetting m_setting;
    RooflineAnalysisPtr m_analysis;
    std::optional<core::Error> m_error;
    std::map<QString, QString> m_problems;
    bool m_areProblemsKnown = false; ///< or being found
    NewestRequest<std::map<QString, QString>> m_problemRequest;
    Measured m_measured; ///< of the machine that was chosen last
    NewestRequest<Measured> m_measuredRequest;
    std::optional<int> m_selected;
    std::optional<int> m_hovered;
    std::optional<PinnedPrediction> m_pinned;
};

} // namespace paretoscope::views
