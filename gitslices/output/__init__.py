"""Reports, written out: each module gives one kind of text.

…_text    reports for people. board: work as it goes on. document: JSON for programs
failure   what went wrong. escape: texts from files, made safe to print. words: what they share
mermaid, dot, svg, html   a plan as a picture. picture: what all of them show. layout: where it
stands. page.css, page.js: what the HTML page carries with it
"""
