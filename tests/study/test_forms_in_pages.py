from study.forms_in_pages import find_forms

PAGE = """
<input name="outside" value="1">
<form action="/a/?x=1&amp;y=2" method="POST">
  <input type="hidden" name="nonce" value="n1"><input name="text" value="a &quot;b&quot;"><input name="empty">
  <input type="checkbox" name="none" value="1"><input type="checkbox" name="agreed" checked>
  <input type="radio" name="confidence" value="1"><input type="radio" name="confidence" value="2" checked>
  <input name="off" value="1" disabled><button name="button" value="1">Send</button>
</form>
<form action="/b/"></form>
"""


def test_fields_are_those_that_a_browser_would_send():
    first, second = find_forms(PAGE)
    assert (first.action, first.method) == ("/a/?x=1&y=2", "post")
    assert first.fields == {"nonce": "n1", "text": 'a "b"', "empty": "", "agreed": "on", "confidence": "2"}
    assert (second.action, second.method, second.fields) == ("/b/", "get", {})
