from infra.embedded.ollama.statements import MAX_QUOTATION, Statement, statements


def said(passage: str) -> list[str]:
    return [statement.text for statement in statements(passage)]


def test_sentences_stay_together_as_far_as_a_quotation_goes() -> None:
    sentence = "Each of these sentences has a little more than fifty characters."
    assert said(" ".join([sentence] * 7)) == [" ".join([sentence] * 4), " ".join([sentence] * 3)]
    long = f"This {'word ' * 100}ends."
    assert said(f"Short one here. {long} Another short one.") == ["Short one here.", long, "Another short one."]


def test_a_quotation_does_not_begin_with_the_end_of_a_cut_sentence() -> None:
    assert said("and so it ends. The next one is whole.") == ["The next one is whole."]


def test_abbreviations_end_no_sentence() -> None:
    sentences = ["Use e.g. Redis for it.", "Ask Dr. Who about No. 5.", f"See i.e. {'x' * MAX_QUOTATION}."]
    assert said("\n\n".join(sentences[:2])) == sentences[:2]


def test_a_question_is_quoted_with_what_answers_it() -> None:
    assert said("Is it old? Compare the dates.") == ["Is it old? Compare the dates."]


def test_an_answer_of_one_word_is_not_torn_from_its_reason() -> None:
    reason = f"Embedding runs on the CPU, {'and ' * 70}so on."
    assert said(f"No. {reason}") == [f"No. {reason}"]


def test_headings_and_questions_by_themselves_lead() -> None:
    passage = "# Top\n\nDo I need a GPU?\n\nNo, you do not.\n\nA heading of plain text\n\nIt says something."
    assert list(statements(passage)) == [
        Statement("No, you do not.", "Do I need a GPU?"),
        Statement("It says something.", "A heading of plain text"),
    ]


def test_a_heading_right_above_its_text_leads_but_a_wrapped_line_does_not() -> None:
    text = "The nodes take turns, and when one does not answer the next is asked."
    assert list(statements(f"Which node answers\n{text}")) == [Statement(text, "Which node answers")]
    assert said("The stack asks one of the three nodes of\nQdrant for it.") == [
        "The stack asks one of the three nodes of Qdrant for it."
    ]


def test_what_announces_a_list_leads_its_items() -> None:
    passage = "## Needs\n\nYou need these:\n\n- Two cores.\n- A disk,\n  a large one.\n\nThat is all there is."
    assert list(statements(passage)) == [
        Statement("Two cores.", "Needs You need these:"),
        Statement("A disk, a large one.", "Needs You need these:"),
        Statement("That is all there is.", "Needs"),
    ]


def test_a_table_is_quoted_by_rows_without_its_head() -> None:
    passage = "| you do | it does |\n| --- | --- |\n| rename a file | reads it again |\n| delete one | forgets it |"
    assert said(passage) == ["rename a file | reads it again", "delete one | forgets it"]


def test_code_is_not_quoted() -> None:
    assert said("Run this command:\n\n```console\n$ make up\n```\n\nThen wait a little.") == ["Then wait a little."]


def test_what_only_says_where_to_look_is_not_quoted() -> None:
    assert said("This page explains everything.") == []
    assert said("Nodes take turns. See [the cluster](c.md). You notice nothing.") == [
        "Nodes take turns.",
        "You notice nothing.",
    ]
