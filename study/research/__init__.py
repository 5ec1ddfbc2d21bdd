"""The researchers' pages: studies as cards, and for each study Design, Stimuli, Preview, Launch, Monitor and Data."""
