"""Chromium through Playwright. A test that imports this goes on in the interpreter that has Playwright, or skips."""
import os, sys
from support import program

CHROMIUM = '/usr/bin/chromium'
PYTHON = os.path.join(program.DATA, 'browser', 'bin', 'python')

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    if os.path.exists(PYTHON) and sys.executable != PYTHON:
        os.execv(PYTHON, [PYTHON] + sys.argv)
    print('SKIP: needs Playwright (tests/browser.sh installs it)')
    sys.exit(77)
if not os.path.exists(CHROMIUM):
    print('SKIP: needs %s (tests/browser.sh installs it)' % CHROMIUM)
    sys.exit(77)
