"""Reports, written out: each module gives one kind of text.

apply_text, doctor_text, log_text, plan_text, prune_text, status_text, trash_text: for people.
document: JSON for programs. failure: what went wrong. escape: texts from files, made safe to print.
mermaid, dot, svg, html: a plan as a picture. layout: what pictures show, and where it stands.
"""
