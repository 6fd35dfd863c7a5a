// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/selection/trial_filter.h"
#include "views/selection/trial_set.h"

#include <QObject>

#include <optional>
#include <vector>

namespace paretoscope::views {

/// The selected, hovered and filtered trials that all views share: brushing in one shows in all. Views talk to this
/// object and never to each other. Ids of trials that are gone do no harm.
class SelectionModel : public QObject
{
    Q_OBJECT

public:
    using QObject::QObject;

    /// In the order in which they were selected; the last one is the current one.
    const std::vector<core::TrialId>& selected() const { return m_selected; }
    bool isSelected(const core::TrialId& id) const { return m_selectedSet.contains(id); }
    std::optional<core::TrialId> current() const;
    const std::optional<core::TrialId>& hovered() const { return m_hovered; }
    const TrialFilter& filter() const { return m_filter; }

public Q_SLOTS:
    void select(const std::vector<core::TrialId>& ids); ///< exactly these
    void add(const std::vector<core::TrialId>& ids);
    void toggle(const core::TrialId& id);
    void clear();
    void hover(const std::optional<core::TrialId>& id);
    void setFilter(const QString& text);

Q_SIGNALS:
    void selectionChanged();
    void hoverChanged();
    void filterChanged();

private:
    void append(const core::TrialId& id);

    std::vector<core::TrialId> m_selected;
    TrialSet m_selectedSet;
    std::optional<core::TrialId> m_hovered;
    TrialFilter m_filter;
};

} // namespace paretoscope::views
