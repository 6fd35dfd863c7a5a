// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_session.h"

#include <QWidget>

class QCheckBox;
class QComboBox;
class QFormLayout;
class QTableWidget;

namespace paretoscope::views {

class CountControl;

/// The sliders and choices of a setting, and below them what it results in. Every change is computed at once.
class SettingPanel : public QWidget
{
    Q_OBJECT

public:
    explicit SettingPanel(RooflineSession& session, QWidget* parent = nullptr);

private:
    QComboBox* addChoice(QFormLayout& form, const QString& name, const QString& label);
    CountControl* addCount(QFormLayout& form, const QString& name, const QString& label, int most);
    void fillWeights();
    void takeSetting(); ///< from the session into the controls
    void showResults();
    template <typename Change>
    void change(Change apply); ///< of the setting, by the user

    RooflineSession& m_session;
    CountControl* m_batch = nullptr;
    CountControl* m_prompt = nullptr;
    CountControl* m_generated = nullptr;
    QComboBox* m_weights = nullptr;
    QComboBox* m_activations = nullptr;
    QComboBox* m_cache = nullptr;
    QComboBox* m_parallel = nullptr;
    QComboBox* m_efficiency = nullptr;
    QCheckBox* m_flash = nullptr;
    QTableWidget* m_results = nullptr;
    bool m_weightsAreCompatible = false;
};

} // namespace paretoscope::views
