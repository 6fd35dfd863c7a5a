// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/plugin/manifest.h"
#include "views/sweep_builder/sweep_draft.h"

#include <QWidget>

class QGridLayout;
class QLabel;
class QLineEdit;
class QToolButton;

namespace paretoscope::views {

/// The parameters of one stage, made from the manifest: value or list, unit and range, reset; wrong input is marked
/// where it stands. The usual parameters and the changed ones are shown, the others on demand.
class ParameterForm : public QWidget
{
    Q_OBJECT

public:
    explicit ParameterForm(const core::PluginManifest& plugin, QWidget* parent = nullptr);

    void setValues(const QMap<QString, QString>& values); ///< shows; does not emit
    bool hasProblem() const;

Q_SIGNALS:
    void valueEdited(const QString& parameter, const QString& text); ///< "" = the default again

private:
    struct Row
    {
        const core::ParameterSpec* spec = nullptr;
        bool usual = false;
        QLabel* label = nullptr;
        QWidget* editor = nullptr; ///< a line edit or an editable combo box
        QLineEdit* edit = nullptr;
        QLabel* range = nullptr;
        QToolButton* reset = nullptr;
    };

    void addRow(const core::ParameterSpec& spec, int row, QGridLayout& grid);
    void mark(Row& row); ///< changed, default or wrong
    void showRows();

    core::PluginManifest m_plugin;
    QList<Row> m_rows;
    QToolButton* m_more = nullptr;
};

} // namespace paretoscope::views
