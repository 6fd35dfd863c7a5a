// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/selection/selection_model.h"

#include <algorithm>

namespace paretoscope::views {

std::optional<core::TrialId> SelectionModel::current() const
{
    return m_selected.empty() ? std::nullopt : std::optional(m_selected.back());
}

void SelectionModel::append(const core::TrialId& id)
{
    if (m_selectedSet.insert(id).second)
        m_selected.push_back(id);
}

void SelectionModel::select(const std::vector<core::TrialId>& ids)
{
    if (ids == m_selected)
        return;
    m_selected.clear();
    m_selectedSet.clear();
    for (const core::TrialId& id : ids)
        append(id);
    Q_EMIT selectionChanged();
}

void SelectionModel::add(const std::vector<core::TrialId>& ids)
{
    const std::size_t before = m_selected.size();
    for (const core::TrialId& id : ids)
        append(id);
    if (m_selected.size() != before)
        Q_EMIT selectionChanged();
}

void SelectionModel::toggle(const core::TrialId& id)
{
    if (m_selectedSet.erase(id) == 0)
        append(id);
    else
        m_selected.erase(std::find(m_selected.begin(), m_selected.end(), id));
    Q_EMIT selectionChanged();
}

void SelectionModel::clear()
{
    select({});
}

void SelectionModel::hover(const std::optional<core::TrialId>& id)
{
    if (m_hovered == id)
        return;
    m_hovered = id;
    Q_EMIT hoverChanged();
}

void SelectionModel::setFilter(const QString& text)
{
    if (m_filter.text() == text)
        return;
    m_filter = TrialFilter::parse(text);
    Q_EMIT filterChanged();
}

} // namespace paretoscope::views
