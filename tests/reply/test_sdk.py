"""Whatever Plivo's SDK for Python builds with values that its pages allow is accepted."""

from collections.abc import Callable
from typing import Any

import plivo.xml as built
from hypothesis import given
from hypothesis import strategies as st

from bridge.callbacks.model import Reply
from bridge.reply.check import check_document
from bridge.reply.finding import Finding

Strategy = st.SearchStrategy[Any]

words = st.text(
    st.characters(codec="utf-8", exclude_categories=["C"]),
    min_size=1,
    max_size=40,  # type: ignore[arg-type]
).map(lambda text: f"x{text}x")
urls = st.builds(
    "{}://{}/{}".format,
    st.sampled_from(["https", "http"]),
    st.sampled_from(["a.example", "192.0.2.1:8443", "user:word@a.example", "[2001:db8::1]"]),
    st.sampled_from(["", "x/y.php?a=1&b=%20", "x#rp=all&rc=5", "ü"]),
)
plain_urls = urls.filter(lambda url: "#" not in url)
sounds = st.one_of(plain_urls, st.sampled_from(["beep:1", "beep:2", "none"]))
methods = st.sampled_from(["GET", "POST"])
wholes = st.integers(1, 10_000)
flags = st.booleans()


def element(make: Callable[..., Any], *needed: Strategy, **optional: Strategy) -> Strategy:
    """Return elements with any of the optional attributes."""
    return st.builds(
        lambda args, kwargs: make(*args, **kwargs),
        st.tuples(*needed),
        st.fixed_dictionaries({}, optional=optional),
    )


speaks = element(
    built.SpeakElement,
    words,
    voice=st.sampled_from(["WOMAN", "MAN", "Polly.Joanna"]),
    language=st.sampled_from(["en-US", "pt-BR"]),
    loop=wholes,
)
ssml = st.builds(
    lambda text, rate, time: (
        built.SpeakElement(text, voice="Polly.Joey")
        .add_break(strength="weak", time=time)
        .add_prosody(text, rate=rate, pitch="low", volume="soft")
        .add_say_as(text, interpret_as="date", format="ymd")
        .add_phoneme(text, alphabet="ipa", ph="x")
        .add_lang(text, xmllang="fr-FR")
        .add_sub(text, alias=text)
        .add_emphasis(text, level="strong")
        .add_p(text)
        .add_s(text)
        .add_w(text, role="amazon:VB")
    ),
    words,
    st.sampled_from(["slow", "110%"]),
    st.sampled_from(["1s", "300ms"]),
)
plays = element(built.PlayElement, plain_urls, loop=wholes)
waits = element(built.WaitElement, length=wholes, silence=flags, min_silence=wholes, beep=flags)
prompts = st.lists(st.one_of(speaks, ssml, plays, waits), max_size=3)


def holding(parents: Strategy, children: Strategy) -> Strategy:
    def join(parent: Any, inner: list[Any]) -> Any:
        for child in inner:
            parent.add(child)
        return parent

    return st.builds(join, parents, children)


numbers = element(
    built.NumberElement,
    st.from_regex(r"[1-9][0-9]{7,14}", fullmatch=True),
    send_digits=st.just("ww1"),
    send_on_preanswer=flags,
    send_digits_mode=words,
)
users = element(
    built.UserElement,
    st.just("sip:alice@phone.plivo.com"),
    send_digits=st.just("1"),
    send_on_preanswer=flags,
    sip_headers=st.just("a=1,b=2"),
)
dials = holding(
    element(
        built.DialElement,
        action=urls,
        method=methods,
        hangup_on_star=flags,
        time_limit=wholes,
        timeout=wholes,
        caller_id=words,
        caller_name=words,
        confirm_sound=urls,
        confirm_timeout=wholes,
        confirm_key=st.just("5"),
        dial_music=st.one_of(urls, st.just("real")),
        callback_url=urls,
        callback_method=methods,
        redirect=flags,
        digits_match=st.just("1,2"),
        digits_match_b_leg=st.just("3"),
        sip_headers=st.just("a=1"),
    ),
    st.lists(st.one_of(numbers, users), min_size=1, max_size=3),
)
conferences = element(
    built.ConferenceElement,
    words,
    muted=flags,
    enter_sound=sounds,
    exit_sound=sounds,
    start_conference_on_enter=flags,
    end_conference_on_exit=flags,
    stay_alone=flags,
    wait_sound=urls,
    max_members=wholes,
    record=flags,
    record_file_format=st.sampled_from(["mp3", "wav"]),
    time_limit=wholes,
    hangup_on_star=flags,
    action=urls,
    method=methods,
    callback_url=urls,
    callback_method=methods,
    digits_match=st.just("1"),
    floor_event=flags,
    redirect=flags,
    relay_dtmf=flags,
    transcription_type=st.just("auto"),
    transcription_url=plain_urls,
    transcription_method=methods,
)
multi_party_calls = element(
    built.MultiPartyCallElement,
    words,
    st.sampled_from(["Agent", "customer", "supervisor"]),
    wait_music_url=plain_urls,
    wait_music_method=methods,
    agent_hold_music_url=plain_urls,
    recording_callback_url=plain_urls,
    recording_callback_method=methods,
    status_callback_url=plain_urls,
    on_exit_action_url=plain_urls,
    enter_sound=sounds,
    exit_sound=sounds,
    record=flags,
    record_participant_track=flags,
    start_recording_audio=plain_urls,
    transcript=flags,
    transcription_url=plain_urls,
    wait_time=st.integers(0, 1800),
).filter(lambda one: one.content)
digits = holding(
    element(
        lambda action, **kwargs: built.GetDigitsElement(action=action, **kwargs),
        urls,
        method=methods,
        timeout=wholes,
        digit_timeout=wholes,
        finish_on_key=st.just("#"),
        num_digits=wholes,
        retries=wholes,
        redirect=flags,
        play_beep=flags,
        valid_digits=st.just("123"),
        invalid_digits_sound=plain_urls,
        log=flags,
    ),
    prompts,
)
inputs = holding(
    element(
        lambda action, **kwargs: built.GetInputElement(action=action, **kwargs),
        urls,
        method=methods,
        input_type=st.just("dtmf speech"),
        execution_timeout=wholes,
        digit_end_timeout=wholes,
        speech_end_timeout=wholes,
        finish_on_key=st.just("*"),
        num_digits=wholes,
        speech_model=st.just("default"),
        hints=words,
        language=st.just("en-US"),
        interim_speech_results_callback=urls,
        interim_speech_results_callback_method=methods,
        log=flags,
        redirect=flags,
        profanity_filter=flags,
    ),
    prompts,
)
records = element(
    built.RecordElement,
    action=urls,
    method=methods,
    file_format=st.just("wav"),
    redirect=flags,
    timeout=wholes,
    max_length=wholes,
    play_beep=flags,
    finish_on_key=st.just("#"),
    record_session=flags,
    start_on_dial_answer=flags,
    transcription_type=st.just("auto"),
    transcription_url=urls,
    transcription_method=methods,
    transcription_report_type=st.just("full"),
    callback_url=urls,
    callback_method=methods,
    record_channel_type=st.just("stereo"),
)
redirects = element(built.RedirectElement, urls, method=methods)
messages = element(
    lambda text, src, dst, **kwargs: built.MessageElement(text, src=src, dst=dst, **kwargs),
    words,
    st.just("14155550100"),
    st.just("14155550123<14155550124"),
    type=st.just("sms"),
    callback_url=plain_urls,
    callback_method=methods,
)
tones = element(built.DTMFElement, st.just("1w2"), async_=flags)
streams = element(
    built.StreamElement,
    st.sampled_from(["wss://a.example/ws?x=1", "ws://a.example:8080/"]),
    bidirectional=flags,
    audioTrack=st.sampled_from(["inbound", "outbound", "both"]),
    streamTimeout=wholes,
    statusCallbackUrl=plain_urls,
    statusCallbackMethod=methods,
    contentType=st.just("audio/x-mulaw;rate=8000"),
    extraHeaders=st.just("a=1,b=2"),
    keepCallAlive=flags,
)
hangups = element(
    built.HangupElement, reason=st.sampled_from(["busy", "rejected"]), schedule=wholes
)
before_the_answer = holding(
    st.builds(built.PreAnswerElement),
    st.lists(st.one_of(speaks, plays, waits, digits, redirects, messages, tones), max_size=3),
)
any_element = st.one_of(
    speaks, ssml, plays, waits, dials, conferences, multi_party_calls, digits, inputs, records,
    redirects, messages, tones, streams, hangups, before_the_answer,
)  # fmt: skip


def findings(elements: list[Any], kind: Reply) -> list[Finding]:
    response = built.ResponseElement()
    for one in elements:
        response.add(one)
    return check_document(response.to_string(pretty=False).encode(), kind)


@given(st.lists(any_element, max_size=4))
def test_a_document_of_plivos_sdk_is_accepted_without_a_word(elements: list[Any]) -> None:
    assert findings(elements, Reply.XML) == []


@given(st.lists(st.one_of(speaks, ssml, plays, waits), max_size=4))
def test_a_sound_of_plivos_sdk_is_accepted_without_a_word(elements: list[Any]) -> None:
    assert findings(elements, Reply.SOUND) == []


@given(st.lists(messages, max_size=4))
def test_an_answer_to_a_message_of_plivos_sdk_is_accepted(elements: list[Any]) -> None:
    assert findings(elements, Reply.OPTIONAL_XML) == []


@given(st.lists(any_element, min_size=1, max_size=3), st.data())
def test_no_document_that_begins_as_plivos_sdk_builds_it_breaks_the_check(
    elements: list[Any], data: st.DataObject
) -> None:
    """Whatever is cut out or doubled: findings, and no exception."""
    response = built.ResponseElement()
    for one in elements:
        response.add(one)
    body = response.to_string(pretty=False).encode()
    first = data.draw(st.integers(0, len(body)))
    last = data.draw(st.integers(first, len(body)))
    for changed in (body[:first] + body[last:], body[:last] + body[first:]):
        for kind in Reply:
            assert all(finding.meaning for finding in check_document(changed, kind))
