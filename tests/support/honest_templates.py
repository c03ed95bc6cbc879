"""Equivalents of the chat templates of popular families, in our own words: the same constructions, shorter texts."""

# ruff: noqa: E501 - a template is told in as few lines as it takes

from __future__ import annotations

_MACRO_SCHEMA = (
    "{% macro kind(s) %}{% if s.type == 'array' %}{{ kind(s['items']) }}[]{% elif s.type == 'object' %}{ "
    "{% for key, value in s.properties.items() %}{{ key }}: {{ kind(value) }}, {% endfor %}}"
    "{% else %}{{ s.type|default('any') }}{% endif %}{% endmacro %}"
)
_ALTERNATE = (
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate user and assistant') }}{% endif %}"
)

HONEST: dict[str, str] = {
    "chatml": "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "llama2": "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0]['content'] %}"
    "{% else %}{% set rest = messages %}{% set system = false %}{% endif %}{% for message in rest %}" + _ALTERNATE +
    "{% if loop.index0 == 0 and system != false %}{% set content = '<<SYS>>\n' + system + '\n<</SYS>>\n' + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + content|trim + ' [/INST]' }}{% else %}{{ ' ' + content|trim + ' ' + eos_token }}{% endif %}"
    "{% endfor %}",
    "llama3": "{% if not date_string is defined %}{% if strftime_now is defined %}{% set date_string = strftime_now('%d %b %Y') %}"
    "{% else %}{% set date_string = '26 Jul 2024' %}{% endif %}{% endif %}{% if messages[0].role == 'system' %}"
    "{% set system = messages[0].content|trim %}{% set messages = messages[1:] %}{% else %}{% set system = '' %}{% endif %}"
    "<|start_header_id|>system<|end_header_id|>\n\n{% if tools is not none %}Environment: ipython\n{% endif %}"
    "Cutting Knowledge Date: December 2023\nToday Date: {{ date_string }}\n\n{% if tools is not none %}You have functions. "
    "To call one, answer with JSON.{% for t in tools %}{{ t|tojson(indent=4) }}{% endfor %}{% endif %}{{ system }}<|eot_id|>"
    "{% for message in messages %}{% if not (message.role == 'ipython' or 'tool_calls' in message) %}"
    "<|start_header_id|>{{ message.role }}<|end_header_id|>\n\n{{ message.content|trim }}<|eot_id|>{% elif 'tool_calls' in message %}"
    "{% if not message.tool_calls|length == 1 %}{{ raise_exception('One call at a time') }}{% endif %}"
    "{{ message.tool_calls[0].function.arguments|tojson }}{% endif %}{% endfor %}",
    "llama4": "{% for message in messages %}<|header_start|>{{ message['role'] }}<|header_end|>{% if message['content'] is string %}"
    "{{ message['content'] }}{% else %}{% for part in message['content'] %}{% if part['type'] == 'image' %}<|image|>"
    "{% elif part['type'] == 'text' %}{{ part['text']|trim }}{% endif %}{% endfor %}{% endif %}<|eot|>{% endfor %}",
    "qwen2": "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}",
    "qwen3": "{% if tools %}# Tools\n\nYou may call one or more of these functions.{% for tool in tools %}{{ tool|tojson }}"
    "{% endfor %}{% endif %}{% set ns = namespace(searching=true, last=messages|length - 1) %}{% for message in messages[::-1] %}"
    "{% set index = (messages|length - 1) - loop.index0 %}{% if ns.searching and message.role == 'user' and message.content is string "
    "and not (message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}"
    "{% set ns.searching = false %}{% set ns.last = index %}{% endif %}{% endfor %}{% for message in messages %}"
    "{% set content = message.content %}{% set reasoning = '' %}{% if message.reasoning_content is string %}"
    "{% set reasoning = message.reasoning_content %}{% elif '</think>' in content %}"
    "{% set reasoning = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}"
    "{% set content = content.split('</think>')[-1].lstrip('\n') %}{% endif %}{% if loop.index0 > ns.last and reasoning %}"
    "{{ '<think>\n' + reasoning.strip('\n') + '\n</think>\n\n' + content }}{% else %}{{ content }}{% endif %}{% endfor %}"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}",
    "gemma": "{% if messages[0]['role'] == 'system' %}{% set prefix = messages[0]['content'] + '\n\n' %}{% set rest = messages[1:] %}"
    "{% else %}{% set prefix = '' %}{% set rest = messages %}{% endif %}{% for message in rest %}" + _ALTERNATE +
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}<start_of_turn>{{ role }}\n"
    "{{ prefix if loop.first else '' }}{% if message['content'] is string %}{{ message['content']|trim }}"
    "{% elif message['content'] is iterable %}{% for item in message['content'] %}{% if item['type'] == 'image' %}<start_of_image>"
    "{% elif item['type'] == 'text' %}{{ item['text']|trim }}{% endif %}{% endfor %}{% endif %}<end_of_turn>\n{% endfor %}",
    "mistral": "{% set today = strftime_now('%Y-%m-%d') %}{% set default = 'You are a model of a company. The current date is '"
    " + today + '. Ask when the question is not clear.' %}{% if messages[0]['role'] == 'system' %}"
    "{% set system = messages[0]['content'] %}{% set rest = messages[1:] %}{% else %}{% set system = default %}"
    "{% set rest = messages %}{% endif %}[SYSTEM_PROMPT]{{ system }}[/SYSTEM_PROMPT]{% set user = rest|selectattr('role', 'equalto', 'user')|list %}"
    "{% for message in rest %}{% if message['role'] == 'user' %}{% if tools is not none and message == user[-1] %}"
    "[AVAILABLE_TOOLS]{{ tools|tojson }}[/AVAILABLE_TOOLS]{% endif %}[INST]{{ message['content'] }}[/INST]"
    "{% elif message.tool_calls is defined %}[TOOL_CALLS]{% for call in message.tool_calls %}{% if not call.id is defined or call.id|length != 9 %}"
    "{{ raise_exception('Ids have nine characters') }}{% endif %}{{ call.function|tojson }}{% endfor %}{{ eos_token }}"
    "{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}",
    "phi": "{% for message in messages %}{% if message['role'] == 'system' and message['tools'] is defined %}"
    "<|system|>{{ message['content'] }}<|tool|>{{ message['tools'] }}<|/tool|><|end|>{% else %}"
    "<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endif %}{% endfor %}",
    "smollm3": "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% if '/no_think' in system %}"
    "{% set mode = '/no_think' %}{% else %}{% set mode = '/think' %}{% endif %}"
    "{% set own = system.replace('/no_think', '').replace('/think', '').rstrip() %}{% else %}{% set mode = '/think' %}"
    "{% set own = '' %}{% endif %}## Metadata\n\nToday Date: {{ strftime_now('%d %B %Y') }}\n{{ 'Reasoning Mode: ' + mode }}\n"
    "{% if own %}{{ own }}{% elif mode == '/think' %}You are a helpful assistant. Think step by step before you answer."
    "{% else %}You are a helpful assistant.{% endif %}{% for message in messages %}{% if message.role == 'assistant' %}"
    "{% generation %}{{ message.content.lstrip('\n') }}{% endgeneration %}{% else %}{{ message.content }}{% endif %}{% endfor %}",
    "deepseek": "{% set ns = namespace(first=true, system='') %}{% for m in messages %}{% if m.role == 'system' %}"
    "{% set ns.system = ns.system + '\n\n' + m.content %}{% endif %}{% endfor %}{{ bos_token + ns.system }}{% for m in messages %}"
    "{% if m.role == 'user' %}<\uff5cUser\uff5c>{{ m.content }}{% elif m.role == 'assistant' %}{% set content = m.content %}"
    "{% if '</think>' in content %}{% set content = content.split('</think>', 1)[1] %}{% endif %}"
    "<\uff5cAssistant\uff5c>{{ content }}<\uff5cend\u2581of\u2581sentence\uff5c>{% endif %}{% endfor %}",
    "vicuna": "A chat between a curious user and an assistant that gives helpful answers. {% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ 'USER: ' + message['content'] }}{% else %}{{ ' ASSISTANT: ' + message['content'] + eos_token }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ ' ASSISTANT:' }}{% endif %}",
    "alpaca": "{% for message in messages %}{% if message.role == 'user' %}### Instruction:\n{{ message.content }}\n\n"
    "{% else %}### Response:\n{{ message.content }}\n\n{% endif %}{% endfor %}",
    "command": "{% set tool_turn = 'SYSTEM' %}<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|># Preamble\nYou are trained to be safe. "
    "You refuse to help with what harms others.{% if documents %}{% for d in documents %}Document: {{ loop.index0 }}\n"
    "{% for key, value in d.items() %}{{ key }}: {{ value }}\n{% endfor %}{% endfor %}{% endif %}"
    "{% for message in messages %}{% if message.role|lower == 'user' %}<|USER_TOKEN|>{{ message.content }}"
    "{% elif message.role|lower == 'assistant' or message.role|lower == 'chatbot' %}<|CHATBOT_TOKEN|>{{ message.content }}{% endif %}{% endfor %}",
    "granite": "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}{% else %}"
    "{% set system = 'Knowledge Cutoff Date: April 2024.\nToday is ' + strftime_now('%B %d, %Y') + '.\nYou are a model of a company.' %}"
    "{% if tools and documents %}{% set system = system + ' Use the tools and the documents.' %}{% elif thinking %}"
    "{% set system = system + ' Think first, then respond.' %}{% endif %}{% if 'citations' in controls %}"
    "{% set system = system + ' Cite the documents that you use.' %}{% endif %}{% endif %}{{ system }}{% for m in messages %}{{ m.content }}{% endfor %}",
    "hermes": _MACRO_SCHEMA + "You are a function calling model. You may call one or more functions to help.{% for tool in tools %}"
    "{{ tool.function.name }}({{ kind(tool.function.parameters) }}){% endfor %}{% for message in messages %}{{ message.content }}"
    "{% for call in message.tool_calls %}<tool_call>{{ call.arguments|tojson }}</tool_call>{% endfor %}{% endfor %}",
    "nemotron": "{% set ns = namespace(thinking=true) %}{% for message in messages %}{% if message['role'] == 'user' or message['role'] == 'system' %}"
    "{% if '/think' in message['content'] %}{% set ns.thinking = true %}{% elif '/no_think' in message['content'] %}"
    "{% set ns.thinking = false %}{% endif %}{% endif %}{{ message['content'].replace('/think', '').replace('/no_think', '') }}"
    "{% endfor %}{% if ns.thinking %}<think>\n{% else %}<think></think>{% endif %}",
    "harmony": _MACRO_SCHEMA + "{% macro system() %}{% if model_identity is not defined %}"
    "{% set model_identity = 'You are a model, trained by a company.' %}{% endif %}{{ model_identity + '\n' }}"
    "{{ 'Current date: ' + strftime_now('%Y-%m-%d') + '\n\n' }}{{ 'Reasoning: ' + (reasoning_effort or 'medium') }}"
    "# Valid channels: analysis, commentary, final. Channel must be included for every message.{% endmacro %}"
    "<|start|>system<|message|>{{ system() }}<|end|>{% set last = namespace(name=none) %}{% for message in messages %}"
    "{% if 'content' in message %}{% if '<|channel|>analysis<|message|>' in message.content or '<|channel|>final<|message|>' in message.content %}"
    "{{ raise_exception('Pass thinking in its own field') }}{% endif %}{% endif %}{% if message.role == 'assistant' %}"
    "{% if 'tool_calls' in message %}{% set last.name = message.tool_calls[0].function.name %}<|channel|>commentary to=functions.{{ last.name }}"
    "{% else %}<|channel|>final<|message|>{{ message.content }}<|end|>{% endif %}{% else %}{{ message.content }}{% endif %}{% endfor %}",
    "vision": "{% set images = namespace(n=0) %}{% for message in messages %}{% for content in message['content'] %}"
    "{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}{% set images.n = images.n + 1 %}"
    "{% if add_vision_id %}Picture {{ images.n }}: {% endif %}<|vision_start|><|image_pad|><|vision_end|>{% elif 'text' in content %}"
    "{{ content['text'] }}{% endif %}{% endfor %}{% endfor %}",
    "kimi": "{% macro content(m) %}{% set c = m.get('content') %}{% if c is string %}{{ c }}{% elif c is not none %}"
    "{% for part in c %}{% if part['type'] == 'image' or 'image' in part %}<|media_start|>image<|media_end|>{% else %}{{ part['text'] }}"
    "{% endif %}{% endfor %}{% endif %}{% endmacro %}{% for m in messages %}<|im_{{ m.role }}|>{{ content(m) }}<|im_end|>{% endfor %}",
    "glm": "[gMASK]<sop>{% macro visible(text) %}{% if text is string %}{{ text }}{% else %}{% for i in text %}{{ i.text }}{% endfor %}"
    "{% endif %}{% endmacro %}{% for m in messages %}{% if m.role == 'user' %}<|user|>\n{{ visible(m.content) }}"
    "{{ '/nothink' if (enable_thinking is defined and not enable_thinking and not visible(m.content).endswith('/nothink')) else '' }}"
    "{% else %}<|assistant|>{{ visible(m.content).split('</think>')[-1].strip() }}{% endif %}{% endfor %}",
}  # fmt: skip
"""One a family; each uses what is particular to it."""

GO: tuple[str, ...] = (
    "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}{{ .Prompt }}{{ .Response }}",
    '{{- range $i, $_ := .Messages }}{{- $last := eq (len (slice $.Messages $i)) 1 }}{{- if eq .Role "user" }}[INST]{{ .Content }}'
    '[/INST]{{- else if eq .Role "assistant" }}{{- if .Content }}{{ .Content }}{{- else if .ToolCalls }}{{ json .ToolCalls }}'
    "{{- end }}{{- if not $last }}</s>{{ end }}{{- end }}{{- end }}",
    '{{- if and (ne .Content "") .Thinking }}<think>{{ .Thinking }}</think>{{ end }}\nToday is {{ currentDate }}.',
)  # fmt: skip
