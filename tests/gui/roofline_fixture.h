// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/mapped_file.h"
#include "tests/roofline/planted_machine.h"
#include "views/format/text.h"
#include "views/roofline/roofline_analysis.h"
#include "views/table/text_file.h"

#include <QDir>
#include <QTemporaryDir>

/// Configurations of well-known models in folders of their names, without weights.
namespace paretoscope::views::test {

class ConfigFolders
{
public:
    ConfigFolders()
    {
        const auto text = core::readTextFile(PARETOSCOPE_TEST_DATA "/roofline/models.json");
        m_models = text.ok() ? core::Json::parse(text.value()) : core::Json::object();
    }

    /// The config.json of a model of tests/data/roofline/models.json.
    QString config(const QString& model) const
    {
        return write(model, m_models.at(model.toStdString()).at("config").dump());
    }
    QString write(const QString& folder, const std::string& json) const
    {
        QDir(m_folder.path()).mkpath(folder);
        const QString file = m_folder.filePath(folder + QStringLiteral("/config.json"));
        return writeTextFile(file, toQString(json)).ok() ? file : QString();
    }
    QString path(const QString& file) const { return m_folder.filePath(file); }

private:
    QTemporaryDir m_folder;
    core::Json m_models;
};

inline RooflineModel modelOf(const ConfigFolders& folders, const QString& name)
{
    core::Result<RooflineModel> model = readRooflineModel(folders.config(name).toStdString());
    if (!model.ok())
        qFatal("%s", model.error().sentence().c_str());
    return std::move(model).value();
}

inline RooflineCase caseOf(const RooflineModel& model, const roofline::HardwareSpec& device,
                           const RooflineSetting& setting)
{
    return {.model = std::make_shared<const RooflineModel>(model), .device = device, .setting = setting};
}

/// A machine that was measured and calibrated with a model of roofline::test::plantedConfig().
inline roofline::MachineProfile calibratedMachine()
{
    static const roofline::MachineProfile kMachine = [] { // fitting it takes a second
        roofline::MachineProfile machine = roofline::test::measuredMachine();
        const auto points = roofline::calibrateProfile(machine, PARETOSCOPE_RESOURCES "/architectures");
        if (!points.ok())
            qFatal("%s", points.error().sentence().c_str());
        return machine;
    }();
    return kMachine;
}

} // namespace paretoscope::views::test
