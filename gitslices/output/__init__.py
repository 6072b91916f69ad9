"""Reports, written out: each module gives one kind of text.

apply_text, changes_text, evidence_text, explain_text, gate_text, lease_text, log_text, plan_text,
prune_text, status_text: for people. document: JSON for programs.
failure: what went wrong. escape: texts from files, made safe to print. words: what they share.
mermaid, dot, svg, html: a plan as a picture. picture: what all of them show. layout: where it
stands. page.css, page.js: what the HTML page carries with it.
"""
