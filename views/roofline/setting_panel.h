// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_session.h"

#include <QWidget>

class QCheckBox;
class QComboBox;
class QFormLayout;
class QMenu;
class QScrollArea;
class QSpinBox;
class QTableWidget;
class QToolButton;

namespace paretoscope::views {

class CountControl;

/// The sliders and choices of a setting, and below them what it results in. Every change is computed at once. What does
/// not apply to model and mode is not shown.
class SettingPanel : public QWidget
{
    Q_OBJECT

public:
    explicit SettingPanel(RooflineSession& session, QWidget* parent = nullptr);

    /// The models that may draft are chosen from this menu, which its owner fills.
    QMenu& draftMenu() { return *m_draftMenu; }

private:
    void addParallelism();
    void addDraft();
    QSpinBox* addNumber(const QString& name, const QString& label, int least, int most);
    void showApplicable();
    QComboBox* addChoice(QFormLayout& form, const QString& name, const QString& label);
    CountControl* addCount(QFormLayout& form, const QString& name, const QString& label, int most);
    void fillWeights();
    void takeSetting(); ///< from the session into the controls
    void showResults();
    template <typename Change>
    void change(Change apply); ///< of the setting, by the user
    template <typename Apply>
    void bind(QComboBox& box, Apply apply); ///< apply(setting, what was chosen)

    RooflineSession& m_session;
    QScrollArea* m_scroll = nullptr;
    QFormLayout* m_form = nullptr;
    CountControl* m_batch = nullptr;
    CountControl* m_prompt = nullptr;
    CountControl* m_generated = nullptr;
    QComboBox* m_weights = nullptr;
    QComboBox* m_activations = nullptr;
    QComboBox* m_cache = nullptr;
    QComboBox* m_parallel = nullptr;
    QComboBox* m_pipeline = nullptr;
    QComboBox* m_microBatches = nullptr;
    QComboBox* m_experts = nullptr;
    QToolButton* m_draft = nullptr;
    QMenu* m_draftMenu = nullptr;
    QSpinBox* m_drafted = nullptr;
    QSpinBox* m_acceptance = nullptr;
    QComboBox* m_efficiency = nullptr;
    QCheckBox* m_flash = nullptr;
    QTableWidget* m_results = nullptr;
    bool m_weightsAreCompatible = false;
};

} // namespace paretoscope::views
