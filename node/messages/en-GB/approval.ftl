# A colleague's approval before something is shared, where the school wants one.

approval-heading = A colleague’s approval
approval-what = Staff ask for approval in place of sharing. Somebody with the role approver, who did not write it, sees exactly what would leave the school, and shares it or sends it back with a note. Nobody approves what they wrote some of.
approval-without = Personal tokens share nothing then. The command line on this server still shares without approval: whoever can read the folder of its data could change this setting anyway. To withdraw something needs no approval.
approval-approvers = { $count ->
    [0] Nobody has the role approver yet. Give it to somebody on the page People first.
    [one] 1 person has the role approver. What that person writes, nobody can approve.
   *[other] { $count } people have the role approver.
}
approval-needed = What is shared needs a colleague’s approval
approval-button = Save
approval-waiting-for-you = Waits for your approval
approval-none-waiting = Nothing waits for your approval.
approval-asked-by = Asked for by { $name }
approval-waits-since = Waits for a colleague’s approval since { $day }.
approval-change-takes-back = Whoever changes it takes the request back by that.
approval-see = See what would be shared
approval-sent-back = Sent back
approval-in-the-way = It cannot be shared as it is. Send it back.
approval-ask-hint = At our school a colleague looks at what is shared first.
approval-nobody = Nobody may approve it yet who did not write it: ask an administrator to give a colleague the role approver.
approval-ask = Ask for approval
approval-take-back = Take the request back
approval-decide = Share it, or send it back
approval-share = Approve and share
approval-note = What is to change?
approval-note-hint = Its authors read this. It stays in the school. At most { $most } characters.
approval-send-back = Send it back
